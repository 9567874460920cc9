package sandbox

import "golang.org/x/sys/unix"

// AuditArch is what seccomp calls this kind of machine.
const AuditArch = unix.AUDIT_ARCH_X86_64
