package pgserver

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// identity is the user the server runs as. PostgreSQL refuses to run as root.
type identity struct {
	uid, gid uint32
	// dropped says that this process is root and gives its children another user.
	dropped bool
}

// nobody is the overflow user id that every Linux has, with or without a name.
const nobody = 65534

// identify chooses the user: an ordinary user stays itself; root becomes the owner of an existing data directory, else "postgres", else "nobody".
func identify(dir string) identity {
	if os.Geteuid() != 0 {
		return identity{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}
	}
	if info, err := os.Stat(filepath.Join(dir, "PG_VERSION")); dir != "" && err == nil {
		if uid, gid := owner(info); uid != 0 {
			return identity{uid: uid, gid: gid, dropped: true}
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
			gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
			if err1 == nil && err2 == nil && uid != 0 {
				return identity{uid: uint32(uid), gid: uint32(gid), dropped: true}
			}
		}
	}
	return identity{uid: nobody, gid: nobody, dropped: true}
}

// attributes makes a child run as this identity, in a session of its own so that Ctrl-C in a terminal reaches the parent alone, which then stops it in order.
func (id identity) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if id.dropped {
		attr.Credential = &syscall.Credential{Uid: id.uid, Gid: id.gid}
	}
	return attr
}

// own gives a path to the identity; for an ordinary user it is its own already.
func (id identity) own(path string) error {
	if !id.dropped {
		return nil
	}
	return os.Lchown(path, int(id.uid), int(id.gid))
}

// reach says whether the identity may enter every directory down to path, by the mode bits. The nearest existing parent stands for what does not exist yet.
func (id identity) reach(path string) error {
	if !id.dropped {
		return nil
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	for dir := path; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err == nil && info.IsDir() && !id.mayEnter(info) {
			return fmt.Errorf("user %d may not enter %s", id.uid, dir)
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

func (id identity) mayEnter(info fs.FileInfo) bool {
	uid, gid := owner(info)
	switch mode := info.Mode(); {
	case uid == id.uid:
		return mode&0o100 != 0
	case gid == id.gid:
		return mode&0o010 != 0
	default:
		return mode&0o001 != 0
	}
}

func owner(info fs.FileInfo) (uid, gid uint32) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0
	}
	return stat.Uid, stat.Gid
}
