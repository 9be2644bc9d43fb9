"""Who may use an open file: its mode, or its access control list where it has one."""

import os
import stat
import struct

_ATTRIBUTE = "system.posix_acl_access"
_HEADER, _ENTRY = (
    4,
    struct.Struct("<HHI"),
)  # version; then tag, permissions, id (Linux: include/uapi/linux/posix_acl_xattr.h)
_USER_OBJ, _USER, _MASK, _OTHER = 0x01, 0x02, 0x10, 0x20  # every other tag is a group


def mode_of(handle: int) -> int:
    """The mode in which `handle` counts: what this user may, what groups and other named users may, what all may.

    Under an access control list the group bits of the plain mode are only its mask: systemd hands a credential over as
    root's 0440 that no group may read, and one user by name may.
    """
    plain = stat.S_IMODE(os.fstat(handle).st_mode)
    try:
        entries = list(_ENTRY.iter_unpack(os.getxattr(handle, _ATTRIBUTE)[_HEADER:]))
    except OSError:  # it has none, or its file system knows none
        return plain
    mask = next((may for tag, may, _ in entries if tag == _MASK), 0o7)
    owner = groups = others = 0
    for tag, may, who in entries:
        if tag == _USER_OBJ:
            owner |= may
        elif tag == _USER and who == os.geteuid():
            owner |= may & mask
        elif tag == _OTHER:
            others |= may
        elif tag != _MASK:
            groups |= may & mask
    return plain & 0o7000 | owner << 6 | groups << 3 | others
