// Stands in for libcrun: the specification is a shell command, which runs without any container.
#ifndef FAKE_OCI_H
#define FAKE_OCI_H

// A command that begins with this fails to be created, with the rest as the reason.
#define FAKE_FAILURE "fail:"
// A command that begins with this ends the job without a result.
// Before a command: the runtime does not come to an end before fake_oci_release.
#define FAKE_HOLD "hold:"
void fake_oci_release(void);
#define FAKE_CRASH "crash:"

void fake_oci_set_up(void);
void fake_oci_tear_down(void);

#endif
