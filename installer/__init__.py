"""The isolated side: puts a verified release into its place, changes it, takes it away.

Travels in `installer.pyz` beside `offline/rules` and runs under the host's Python with `-I -S`; standard library only.
"""
