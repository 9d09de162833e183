package netfs

import "golang.org/x/sys/unix"

// magic are the numbers by which statfs(2) names file systems that several machines
// may have mounted. FUSE is among them, since nobody can tell what is behind it.
var magic = map[uint32]bool{
	unix.NFS_SUPER_MAGIC: true, unix.SMB_SUPER_MAGIC: true, unix.SMB2_SUPER_MAGIC: true, unix.CIFS_SUPER_MAGIC: true,
	unix.AFS_SUPER_MAGIC: true, unix.AFS_FS_MAGIC: true, unix.CODA_SUPER_MAGIC: true, unix.NCP_SUPER_MAGIC: true,
	unix.CEPH_SUPER_MAGIC: true, unix.FUSE_SUPER_MAGIC: true, unix.OCFS2_SUPER_MAGIC: true, unix.V9FS_MAGIC: true,
	0x0bd00bd0: true, // Lustre
	0x47504653: true, // GPFS, IBM Storage Scale
	0x19830326: true, // BeeGFS
	0x01161970: true, // GFS2
	0xaad7aaea: true, // PanFS
	0x786f4256: true, // shared folders of VirtualBox
}

// Is reports whether what lies at a path is on a network file system. One that cannot
// be asked counts as none.
func Is(path string) bool {
	var s unix.Statfs_t
	return unix.Statfs(path, &s) == nil && magic[uint32(s.Type)]
}
