"""Which file system a folder lies on. SQLite's write-ahead log needs shared memory and honest locks: a local disk."""

from pathlib import Path

from appliance.domain.errors import ConfigError

MOUNTINFO = Path("/proc/self/mountinfo")

NETWORK = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs",
    "nfs3", "nfs4", "ocfs2", "orangefs", "panfs", "pvfs2", "smb2", "smb3", "smbfs",
})  # fmt: skip
# A FUSE file system is refused unless it is known to lie on a local disk: most of the others speak to a network.
LOCAL_FUSE = frozenset({
    "fuse.bindfs", "fuse.encfs", "fuse.fuse-overlayfs", "fuse.gocryptfs", "fuse.lxcfs", "fuse.mergerfs",
    "fuse.ntfs-3g", "fuse.unionfs",
})  # fmt: skip


def refuse_network_file_system(folder: Path, mountinfo: Path = MOUNTINFO) -> None:
    """Raises ConfigError when `folder` lies on NFS, CIFS or another file system of the network.

    Where there is no mountinfo (not Linux) nothing can be told and nothing is refused.
    """
    try:
        text = mountinfo.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return
    kind = file_system(folder.resolve(), text)
    if kind in NETWORK or (kind.startswith("fuse.") and kind not in LOCAL_FUSE):
        raise ConfigError(
            f"the data folder `{folder}` lies on `{kind}`, a file system of the network, where SQLite can lose data; "
            "choose a folder on a local disk"
        )


def file_system(folder: Path, mountinfo: str) -> str:
    """Type of the file system that `folder` (absolute, without links) lies on; `unknown` when no mount matches.

    Source: proc_pid_mountinfo(5): field 5 is the mount point, the type is the first field after ` - `.
    """
    found, longest = "unknown", -1
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields, types = left.split(), right.split()
        if len(fields) < 5 or not types:
            continue
        point = Path(_unescaped(fields[4]))
        # `>=`: of two mounts on one point the later one lies on top.
        if folder.is_relative_to(point) and len(point.parts) >= longest:
            found, longest = types[0], len(point.parts)
    return found


def _unescaped(field: str) -> str:
    for octal, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        field = field.replace(octal, char)
    return field
