"""The channel `advisories`: what is known to be wrong with packages, carried across the gap as one signed folder.

    osv.json.gz     {ecosystem: {package: [OSV record]}}
    meta.json       where it comes from, how old it is, how much it holds
    LICENSE-*.txt   the licences of the sources
    SHA256SUMS      and its signatures, as docs/decisions/0009 says

Built on the connected side (`gather`, `merge`, `build`), imported on the isolated one (`drop`), read by the audit
(`snapshot`). Always whole: there are no deltas, and nothing ever goes back.
"""
