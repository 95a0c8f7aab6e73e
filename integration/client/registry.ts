/**
 * The registries that containerd's tests pull from, on the loopback of the tests' world: their names lead here by
 * /etc/hosts, and the certificate is trusted by whoever is given `certificate` as SSL_CERT_FILE.
 */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createReadStream, readFileSync, statSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { join } from "node:path";

interface Content {
  readonly path: string;
  readonly digest: string;
  readonly mediaType: string;
}

export interface Registry extends AsyncDisposable {
  /** Path of the certificate in PEM. */
  readonly certificate: string;
}

/** Serves the OCI layouts by reference (`host/repository:tag`). Wants the world's own /etc/hosts and port 443. */
export async function serve(directory: string, images: ReadonlyMap<string, string>): Promise<Registry> {
  const hosts = [...new Set([...images.keys()].map((reference) => reference.replace(/\/.*/, "")))];
  const { key, certificate } = makeCertificate(directory, hosts);
  lead(directory, hosts);
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (request, response) =>
    answer(find(images, request), request, response),
  );
  server.listen(443, "127.0.0.1");
  await once(server, "listening");
  return {
    certificate,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function makeCertificate(directory: string, hosts: readonly string[]) {
  const [key, certificate] = [join(directory, "key.pem"), join(directory, "certificate.pem")];
  const names = `subjectAltName=${hosts.map((host) => `DNS:${host}`).join(",")}`;
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const args = [
    "req",
    "-x509",
    ...kind,
    "-subj",
    "/CN=registry",
    "-addext",
    names,
    "-keyout",
    key,
    "-out",
    certificate,
  ];
  execFileSync("openssl", args, { stdio: "pipe" });
  return { key, certificate };
}

function lead(directory: string, hosts: readonly string[]): void {
  const file = join(directory, "hosts");
  writeFileSync(file, ["localhost", ...hosts].map((host) => `127.0.0.1 ${host}\n`).join(""));
  execFileSync("mount", ["--bind", file, "/etc/hosts"]);
}

/** What a request of the distribution protocol is about, or undefined if there is no such thing. */
function find(images: ReadonlyMap<string, string>, request: IncomingMessage): Content | undefined {
  const match = /^\/v2\/(.+)\/(manifests|blobs)\/([\w.:-]+)(\?.*)?$/.exec(request.url ?? "");
  if (!match) return undefined;
  const [, repository = "", kind, name = ""] = match;
  const prefix = `${request.headers.host}/${repository}:`;
  for (const [reference, layout] of images) {
    if (!reference.startsWith(prefix)) continue;
    const content = kind === "manifests" ? manifest(layout, reference, prefix + name, name) : blob(layout, name);
    if (content) return content;
  }
  return undefined;
}

function manifest(layout: string, reference: string, asked: string, name: string): Content | undefined {
  const { manifests } = JSON.parse(readFileSync(join(layout, "index.json"), "utf8"));
  const [{ digest, mediaType }] = manifests;
  return asked === reference || name === digest ? ({ ...blob(layout, digest), mediaType } as Content) : undefined;
}

function blob(layout: string, digest: string): Content | undefined {
  const [, hex] = /^sha256:([0-9a-f]{64})$/.exec(digest) ?? [];
  if (hex === undefined) return undefined;
  const path = join(layout, "blobs/sha256", hex);
  const there = statSync(path, { throwIfNoEntry: false }) !== undefined;
  return there ? { path, digest, mediaType: "application/octet-stream" } : undefined;
}

function answer(content: Content | undefined, request: IncomingMessage, response: ServerResponse): void {
  if (!content) {
    response.writeHead(request.url === "/v2/" ? 200 : 404).end();
    return;
  }
  response.writeHead(200, {
    "content-type": content.mediaType,
    "content-length": statSync(content.path).size,
    "docker-content-digest": content.digest,
  });
  if (request.method === "HEAD") response.end();
  else createReadStream(content.path).pipe(response);
}
