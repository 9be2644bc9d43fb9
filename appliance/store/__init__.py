"""All SQL of the appliance: the store, the ledger and their files in one data folder.

    from appliance.store import open_for_serving, visit
    from appliance.store.migrate import migrate            # needs alembic; `init` and `db migrate` alone
    from appliance.store.backup import create, verify      # while the gateway runs, or not
    from appliance.store.restore import restore            # only while nobody has the folder open

    migrate(data_dir)                                      # makes the folder when missing; blocking
    opened = await open_for_serving(data_dir, clock)       # the gateway: one per folder, or Conflict
    opened.store      ports.repositories.Store
    opened.spend      ports.ledger.SpendReader
    opened.ledger     ports.ledger.LedgerWriter, with flush()
    opened.events     ports.repositories.EventSink
    opened.unclean    None, or a sentence about the end of the last run
    await opened.close()

    async with await visit(data_dir) as visited:           # a verb: may run beside the gateway
        visited.store, visited.spend

    create(data_dir, target, clock, version=..., config=...) -> Manifest
    verify(backup) -> Manifest
    restore(backup, data_dir, clock, config=...) -> Manifest

Errors that leave: StoreUnavailable, Conflict, ConfigError, BadRequest; never one of SQLAlchemy or sqlite3.
"""

from appliance.store.opening import Opened, Visited, open_for_serving, visit

__all__ = ["Opened", "Visited", "open_for_serving", "visit"]
