"""The read copy: one DuckDB file per server process, fed by the catalogue's change feed, disposable at any time."""

from deepfield.replica.follower import Follower, ReplicaState
from deepfield.replica.replica import Replica

__all__ = ["Follower", "Replica", "ReplicaState"]
