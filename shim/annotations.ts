import { isKey, type Settings, withValue } from "./settings.ts";

const PREFIX = "io.microvm.";

/**
 * `settings` overridden by a container's annotations `io.microvm.KEY`, as far as the configuration's `annotations`
 * allows: whoever may run a container may not therefore choose the host's programs. What is unknown or not allowed is a
 * warning; a wrong value is an Error that names the annotation.
 */
export function applyAnnotations(
  settings: Settings,
  annotations: Readonly<Record<string, string>>,
  warn: (message: string) => void,
): Settings {
  let result = settings;
  for (const [name, text] of Object.entries(annotations)) {
    if (!name.startsWith(PREFIX)) continue;
    const key = name.slice(PREFIX.length);
    if (!isKey(key)) warn(`annotation "${name}" is ignored: there is no such key`);
    else if (!settings.annotations.includes(key))
      warn(`annotation "${name}" is ignored: \`annotations\` in the configuration does not list "${key}"`);
    else result = withValue(result, key, parsed(settings[key], text), `annotation ${name}`);
  }
  return result;
}

/** An annotation is text; where the key's value is a number, digits are one. */
function parsed(current: unknown, text: string): unknown {
  return typeof current === "number" && /^\d{1,15}$/.test(text) ? Number(text) : text;
}
