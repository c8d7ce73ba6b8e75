package errno

import "syscall"

// Sockets have numbers of their own on Windows, for which syscall has few names:
// https://learn.microsoft.com/windows/win32/winsock/windows-sockets-error-codes-2
const (
	wsaEMFILE        syscall.Errno = 10024
	wsaEADDRNOTAVAIL syscall.Errno = 10049
	wsaENETUNREACH   syscall.Errno = 10051
	wsaENOBUFS       syscall.Errno = 10055
	wsaESHUTDOWN     syscall.Errno = 10058
	wsaECONNREFUSED  syscall.Errno = 10061
	wsaEHOSTDOWN     syscall.Errno = 10064
	wsaEHOSTUNREACH  syscall.Errno = 10065
)

var (
	refused     = []error{wsaECONNREFUSED}
	reset       = []error{syscall.WSAECONNRESET, syscall.WSAECONNABORTED, syscall.ERROR_BROKEN_PIPE, wsaESHUTDOWN}
	unreachable = []error{wsaEHOSTUNREACH, wsaENETUNREACH, wsaEHOSTDOWN}
	exhausted   = []error{wsaEMFILE, wsaENOBUFS, wsaEADDRNOTAVAIL}
)
