package pgserver

import "syscall"

// dieWithParent asks the kernel for a fast shutdown of the server when this process dies. The Go runtime sets it after the change of user, which would clear it.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }
