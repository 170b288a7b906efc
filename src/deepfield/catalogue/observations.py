"""The store of observations: what is current, what was, and what is listed with what.

Every method takes the connection it works on and none commits. Rows are dicts by column name with Python values:
UTC ``datetime``, parsed JSON, 64-bit ``int``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, Text, and_, cast, func, insert, or_, select

from deepfield.catalogue.documents import inflate
from deepfield.catalogue.numbers import give_numbers, in_chunks, known_numbers
from deepfield.catalogue.rows import Filed, artifact_row, listing_of, observation_row, plane_row
from deepfield.catalogue.schema import (
    ARTIFACT,
    ARTIFACT_HEADER,
    OBSERVATION,
    PLANE,
    PRODUCT_LINK,
    SEQ_FROM,
    SEQ_TO,
    SNAPSHOT,
    load_tables,
)
from deepfield.catalogue.versions import current_rows, end_rows, revise
from deepfield.model.errors import UnknownObservationError, UnknownProductError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Table

    from deepfield.model.observation import Observation

Row = dict[str, Any]
LISTED: Final = (
    "artifact_number", "obs_number", "filename", "suffix", "extension", "product_type", "product_group", "calib_level",
    "description", "detector", "content_length", "sha256", "version", "data_release",
)  # fmt: skip
"""Columns of an artifact in long lists: reading all would take twice as long."""
_STAGES: Final = {"uncal": 0, "rate": 1, "cal": 2, "product": 3}
_LEFT_TO_MEMBERS: Final = ("s_region", "exp_type", "dataproduct_type", "t_min", "t_max", "em_min")
"""Columns of a combination that its members fill where its own files do not; beside the name of the target."""
NAME_END: Final = "\U0010ffff"


class Observations:
    """Reads and writes observations, planes, artifacts, their links and their header documents."""

    # Reading -----------------------------------------------------------------------------------------------------

    def describe(self, connection: Connection, obs_id: str, *, snapshot: int | None = None) -> Row:
        """Return the observation's row, current or as it was at a snapshot.

        Raises:
            UnknownObservationError: no such observation (then).
        """
        query = select(OBSERVATION).where(OBSERVATION.c.obs_id == obs_id, alive(OBSERVATION, snapshot))
        row = connection.execute(query).mappings().one_or_none()
        if row is None:
            raise UnknownObservationError(obs_id)
        return dict(row)

    def planes(self, connection: Connection, obs_id: str, *, snapshot: int | None = None) -> list[Row]:
        """Return the plane rows of an observation, in the order of processing; others after them by name."""
        number = self.describe(connection, obs_id, snapshot=snapshot)["obs_number"]
        query = select(PLANE).where(PLANE.c.obs_number == number, alive(PLANE, snapshot))
        rows = [dict(row) for row in connection.execute(query).mappings()]
        return sorted(rows, key=lambda row: (_STAGES.get(row["product_id"], len(_STAGES)), row["product_id"]))

    def products(
        self, connection: Connection, obs_id: str, *, linked: bool = True, snapshot: int | None = None
    ) -> list[Row]:
        """Return the artifact rows listed with an observation, ordered by file name.

        Each row also carries ``obs_id`` and ``proposal_id`` of the observation that owns it and ``relation``: null
        for the observation's own products, else why a product of another one is listed here.
        """
        number = self.describe(connection, obs_id, snapshot=snapshot)["obs_number"]
        own = with_owner(snapshot).where(ARTIFACT.c.obs_number == number)
        rows = [{**row, "relation": None} for row in connection.execute(own).mappings()]
        if linked:
            others = (
                with_owner(snapshot)
                .add_columns(PRODUCT_LINK.c.relation)
                .join(PRODUCT_LINK, PRODUCT_LINK.c.artifact_number == ARTIFACT.c.artifact_number)
                .where(PRODUCT_LINK.c.obs_number == number, alive(PRODUCT_LINK, snapshot))
            )
            rows += [dict(row) for row in connection.execute(others).mappings()]
        return sorted(rows, key=lambda row: row["filename"])

    def listed(self, connection: Connection, obs_numbers: Iterable[int]) -> list[Row]:
        """Return what there is to say of the files listed with many observations, by observation and file name.

        Each row carries the columns ``LISTED`` of the artifact, ``parent``, the number of the observation that lists
        it, and of the one that owns it ``obs_id``, ``proposal_id``, ``dataproduct_type``, ``filters``, ``algorithm``,
        ``cal_ver`` and ``instrument_name``. A file that several of them list comes once for each.
        """
        found: list[Row] = []
        for chunk in in_chunks(sorted(set(obs_numbers))):
            own = _with_owners(ARTIFACT.c.obs_number).where(ARTIFACT.c.obs_number.in_(chunk))
            others = (
                _with_owners(PRODUCT_LINK.c.obs_number)
                .join(PRODUCT_LINK, PRODUCT_LINK.c.artifact_number == ARTIFACT.c.artifact_number)
                .where(PRODUCT_LINK.c.obs_number.in_(chunk), alive(PRODUCT_LINK, None))
            )
            for query in (own, others):
                names = [column["name"] for column in query.column_descriptions]
                found += [dict(zip(names, row, strict=True)) for row in connection.execute(query)]
        return sorted(found, key=lambda row: (row["parent"], row["filename"]))

    def artifact(self, connection: Connection, filename: str, *, version: int | None = None) -> Row:
        """Return the artifact row of a file name: the current version, or the one asked for.

        The row also carries ``obs_id`` and ``proposal_id`` of its observation. A file that was withdrawn has no
        current version; its history is in ``versions``.

        Raises:
            UnknownProductError: no such product, or none in this version.
        """
        if version is None:
            query = with_owner(None).where(ARTIFACT.c.filename == filename)
            row = connection.execute(query).mappings().one_or_none()
            if row is None:
                raise UnknownProductError(filename)
            return dict(row)
        for kept in self.versions(connection, filename):
            if kept["version"] == version:
                return kept
        raise UnknownProductError(f"{filename} version {version}")

    def versions(self, connection: Connection, filename: str) -> list[Row]:
        """Return the versions of a product, newest arrival first: for each its last row, with ``current`` (bool).

        ``seq_from`` is that of the first row of the version: a release date that moves makes no new version.

        Raises:
            UnknownProductError: no product ever had this name.
        """
        query = select(ARTIFACT).where(ARTIFACT.c.filename == filename)
        ordered = query.order_by(ARTIFACT.c.version, ARTIFACT.c[SEQ_FROM])
        found = [dict(row) for row in connection.execute(ordered).mappings()]
        begun = {row["version"]: row[SEQ_FROM] for row in reversed(found)}
        last = {row["version"]: {**row, SEQ_FROM: begun[row["version"]]} for row in found}
        if not last:
            raise UnknownProductError(filename)
        owners = {number: self._owner(connection, number) for number in {row["obs_number"] for row in last.values()}}
        rows = [last[version] for version in sorted(last, reverse=True)]
        return [{**row, **owners[row["obs_number"]], "current": row[SEQ_TO] is None} for row in rows]

    def successor(self, connection: Connection, row: Mapping[str, Any]) -> str | None:
        """Return the file that stands where a withdrawn one (its last row) stood: same observation, suffix, kind."""
        query = select(ARTIFACT.c.filename).where(
            ARTIFACT.c.obs_number == row["obs_number"],
            ARTIFACT.c.suffix == row["suffix"],
            ARTIFACT.c.extension == row["extension"],
            alive(ARTIFACT, None),
        )
        found: str | None = connection.execute(query.order_by(ARTIFACT.c.filename).limit(1)).scalar()
        return found

    def _owner(self, connection: Connection, obs_number: int) -> Row:
        """Return obs_id and programme of an observation, current or withdrawn."""
        query = select(OBSERVATION.c.obs_id, OBSERVATION.c.proposal_id).where(OBSERVATION.c.obs_number == obs_number)
        row = connection.execute(query.order_by(OBSERVATION.c[SEQ_FROM].desc()).limit(1)).mappings().first()
        return {"obs_id": None, "proposal_id": None} if row is None else {**row}

    def header(self, connection: Connection, sha256: str) -> Row:
        """Return the stored header document (``Header.to_json``) of a content.

        Raises:
            UnknownProductError: no product has had this content.
        """
        found = self.headers(connection, [sha256])
        if sha256 not in found:
            raise UnknownProductError(f"sha256:{sha256}")
        return found[sha256]

    def headers(self, connection: Connection, checksums: Iterable[str]) -> dict[str, Row]:
        """Return the stored header documents of these contents, by SHA-256; unknown ones are left out."""
        found: dict[str, Row] = {}
        for chunk in in_chunks(sorted(set(checksums)), 100):
            query = select(ARTIFACT_HEADER).where(ARTIFACT_HEADER.c.sha256.in_(chunk))
            for checksum, document in connection.execute(query):
                found[checksum] = inflate(document)
        return found

    def members(self, connection: Connection, obs_id: str) -> list[str]:
        """Return the obs_ids of the members of a combined observation, as its associations name them."""
        members: list[str] = self.describe(connection, obs_id)["members"]
        return members

    def part_of(self, connection: Connection, obs_id: str) -> list[str]:
        """Return the obs_ids of the current combined observations that have this one as a member."""
        number = self.describe(connection, obs_id)["obs_number"]
        listed = select(PRODUCT_LINK.c.artifact_number).where(
            PRODUCT_LINK.c.obs_number == number, PRODUCT_LINK.c.relation == "association", alive(PRODUCT_LINK, None)
        )
        owned = select(ARTIFACT.c.artifact_number).where(
            ARTIFACT.c.obs_number == number, ARTIFACT.c.suffix == "asn", alive(ARTIFACT, None)
        )
        associations = [*connection.execute(listed).scalars(), *connection.execute(owned).scalars()]
        found: set[str] = set()
        for chunk in in_chunks(associations):
            owners = select(ARTIFACT.c.obs_number).where(ARTIFACT.c.artifact_number.in_(chunk), alive(ARTIFACT, None))
            others = select(PRODUCT_LINK.c.obs_number).where(
                PRODUCT_LINK.c.artifact_number.in_(chunk), alive(PRODUCT_LINK, None)
            )
            query = select(OBSERVATION.c.obs_id, OBSERVATION.c.members).where(
                OBSERVATION.c.obs_number.in_(owners.union(others)), alive(OBSERVATION, None)
            )
            found.update(name for name, members in connection.execute(query) if obs_id in members)
        return sorted(found)

    def find_names(self, connection: Connection, prefix: str, *, limit: int = 20) -> list[tuple[str, str]]:
        """Return (kind, name) of current observations and files whose name begins so, in order of names.

        ``kind`` is ``observation`` or ``file``. JWST names are in lower case, so the prefix is read that way too.
        """
        found: list[tuple[str, str]] = []
        for kind, column in (("observation", OBSERVATION.c.obs_id), ("file", ARTIFACT.c.filename)):
            prefixes = {prefix, prefix.lower()}
            starts = or_(*(and_(column >= start, column < start + NAME_END) for start in sorted(prefixes)))
            query = select(column).where(starts, alive(column.table, None)).order_by(column).limit(limit)
            found += [(kind, name) for name in connection.execute(query).scalars()]
        return found[:limit]

    def beginning(self, connection: Connection, names: Iterable[str]) -> list[tuple[str, int]]:
        """Return obs_id and number of the current observations whose obs_id is one of these or begins so."""
        found: dict[str, int] = {}
        for name in names:
            begins = and_(OBSERVATION.c.obs_id >= name, OBSERVATION.c.obs_id < name + NAME_END)
            query = select(OBSERVATION.c.obs_id, OBSERVATION.c.obs_number).where(begins, alive(OBSERVATION, None))
            found.update((obs_id, number) for obs_id, number in connection.execute(query.limit(1000)))
        return sorted(found.items())

    def totals(self, connection: Connection) -> Row:
        """Return ``snapshot``, ``observations``, ``products`` and ``size`` (bytes) of the current archive."""
        observations = select(func.count()).select_from(OBSERVATION).where(alive(OBSERVATION, None))
        products = select(func.count(), func.coalesce(func.sum(ARTIFACT.c.content_length), 0))
        count, size = connection.execute(products.where(alive(ARTIFACT, None))).one()
        return {
            "snapshot": int(connection.execute(select(SNAPSHOT.c.seq)).scalar_one()),
            "observations": int(connection.execute(observations).scalar_one()),
            "products": int(count),
            "size": int(size),
        }

    def current_artifacts(self, connection: Connection, filenames: Iterable[str]) -> dict[str, Row]:
        """Return the current artifact rows of those file names that have one."""
        rows = current_rows(connection, ARTIFACT, "filename", filenames)
        return {row["filename"]: row for row in rows.values()}

    def artifacts_of(self, connection: Connection, obs_numbers: Iterable[int]) -> dict[int, dict[str, Row]]:
        """Return the current artifact rows that these observations own, by observation number and file name."""
        numbers = set(obs_numbers)
        found: dict[int, dict[str, Row]] = {number: {} for number in numbers}
        for row in current_rows(connection, ARTIFACT, "obs_number", numbers).values():
            found[row["obs_number"]][row["filename"]] = row
        return found

    def artifacts_after(self, connection: Connection, number: int, *, limit: int) -> list[Row]:
        """Return the next current artifact rows, with ``obs_id`` and ``proposal_id``, in order of their numbers."""
        query = with_owner(None).where(ARTIFACT.c.artifact_number > number)
        ordered = query.order_by(ARTIFACT.c.artifact_number).limit(limit)
        return [dict(row) for row in connection.execute(ordered).mappings()]

    def history(self, connection: Connection, filenames: Iterable[str]) -> dict[str, dict[str, int]]:
        """Return, for each file name met before, the version of each of its contents: {sha256: version}."""
        found: dict[str, dict[str, int]] = {}
        for chunk in in_chunks(sorted(set(filenames))):
            columns = (ARTIFACT.c.filename, ARTIFACT.c.sha256, ARTIFACT.c.version)
            for filename, sha256, version in connection.execute(select(*columns).where(ARTIFACT.c.filename.in_(chunk))):
                found.setdefault(filename, {})[sha256] = version
        return found

    def current_observations(self, connection: Connection, obs_ids: Iterable[str]) -> dict[str, Row]:
        """Return the current rows of those observations that exist."""
        rows = current_rows(connection, OBSERVATION, "obs_id", obs_ids)
        return {row["obs_id"]: row for row in rows.values()}

    def numbers(self, connection: Connection, obs_ids: Iterable[str]) -> dict[str, int]:
        """Return the numbers of those observations that the archive ever held."""
        return known_numbers(connection, "observation", obs_ids)

    def names_of(self, connection: Connection, obs_numbers: Iterable[int]) -> dict[int, str]:
        """Return {number: obs_id} of the current ones among these observations."""
        rows = current_rows(connection, OBSERVATION, "obs_number", obs_numbers)
        return {row["obs_number"]: row["obs_id"] for row in rows.values()}

    def observations_of(self, connection: Connection, obs_numbers: Iterable[int]) -> dict[str, Row]:
        """Return the current rows of these observations by obs_id."""
        rows = current_rows(connection, OBSERVATION, "obs_number", obs_numbers)
        return {row["obs_id"]: row for row in rows.values()}

    def leaning_on(self, connection: Connection, obs_ids: Iterable[str], *, origins: Sequence[str]) -> dict[str, Row]:
        """Return the current combined observations with one of these members that do not say everything themselves.

        They lack something that members can say, or have something whose ``origin`` begins in one of these ways.
        """
        wanted = set(obs_ids)
        found: dict[str, Row] = {}
        programmes = sorted({str(int(name[2:7])) for name in wanted if name[2:7].isdigit()})
        for chunk in in_chunks(programmes):
            query = select(OBSERVATION).where(
                OBSERVATION.c.proposal_id.in_(chunk),
                OBSERVATION.c.algorithm != "exposure",
                or_(
                    *(OBSERVATION.c[name].is_(None) for name in _LEFT_TO_MEMBERS),
                    OBSERVATION.c.target_name == "UNKNOWN",
                    *(cast(OBSERVATION.c.origin, Text).contains(f':"{origin}') for origin in origins),
                ),
                alive(OBSERVATION, None),
            )
            rows = (dict(row) for row in connection.execute(query).mappings())
            found.update((row["obs_id"], row) for row in rows if wanted & set(row["members"]))
        return found

    def current_names(self, connection: Connection) -> list[str]:
        """Return the obs_ids of all current observations, in order."""
        query = select(OBSERVATION.c.obs_id).where(alive(OBSERVATION, None)).order_by(OBSERVATION.c.obs_id)
        return list(connection.execute(query).scalars())

    def changed(self, connection: Connection, seq: int) -> set[str]:
        """Return the obs_ids of the observations whose row a snapshot began or ended."""
        query = select(OBSERVATION.c.obs_id).where(or_(OBSERVATION.c[SEQ_FROM] == seq, OBSERVATION.c[SEQ_TO] == seq))
        return set(connection.execute(query).scalars())

    def programmes_begun(self, connection: Connection, proposal_ids: Iterable[str]) -> set[str]:
        """Return those programmes of which the archive has ever held an observation."""
        begun: set[str] = set()
        for proposal_id in set(proposal_ids):
            query = select(OBSERVATION.c.obs_number).where(OBSERVATION.c.proposal_id == proposal_id).limit(1)
            if connection.execute(query).first() is not None:
                begun.add(proposal_id)
        return begun

    def referenced(self, connection: Connection, checksums: Iterable[str]) -> set[tuple[str, str]]:
        """Return (sha256, location) of the versions of current products that have these contents."""
        current = ARTIFACT.alias()
        alive = select(current.c.artifact_number).where(
            current.c.artifact_number == ARTIFACT.c.artifact_number, current.c[SEQ_TO].is_(None)
        )
        return self._places(connection, checksums, alive.exists())

    def copies(self, connection: Connection, checksums: Iterable[str]) -> set[tuple[str, str]]:
        """Return (sha256, location) of every copy in the store that any version, current or not, was given."""
        return self._places(connection, checksums, ARTIFACT.c.linked.is_(False))

    def known_contents(self, connection: Connection, checksums: Iterable[str]) -> set[str]:
        """Return those contents that any version of any product, current or not, has had."""
        found: set[str] = set()
        for chunk in in_chunks(sorted(set(checksums))):
            found.update(connection.execute(select(ARTIFACT.c.sha256).where(ARTIFACT.c.sha256.in_(chunk))).scalars())
        return found

    def _places(
        self, connection: Connection, checksums: Iterable[str], where: ColumnElement[bool]
    ) -> set[tuple[str, str]]:
        found: set[tuple[str, str]] = set()
        for chunk in in_chunks(sorted(set(checksums))):
            query = select(ARTIFACT.c.sha256, ARTIFACT.c.location).where(ARTIFACT.c.sha256.in_(chunk), where).distinct()
            found.update((checksum, location) for checksum, location in connection.execute(query))
        return found

    # Writing -----------------------------------------------------------------------------------------------------

    def save_headers(self, connection: Connection, documents: Mapping[str, bytes]) -> None:
        """Keep deflated header documents by SHA-256; a content that is known is left alone."""
        known: set[str] = set()
        for chunk in in_chunks(sorted(documents)):
            query = select(ARTIFACT_HEADER.c.sha256).where(ARTIFACT_HEADER.c.sha256.in_(chunk))
            known.update(connection.execute(query).scalars())
        rows = [{"sha256": key, "document": text} for key, text in documents.items() if key not in known]
        if rows:
            connection.execute(insert(ARTIFACT_HEADER), rows)

    def save_products(
        self, connection: Connection, seq: int, observation: Observation, filed: Mapping[str, Filed]
    ) -> tuple[int, bool]:
        """Make the observation's planes and artifacts the current ones.

        ``filed`` says for each file name of the observation where its bytes live. Returns the observation's
        number and whether any row changed.
        """
        obs_id = observation.obs_id
        number = give_numbers(connection, "observation", [obs_id])[obs_id]
        plane_names = {plane.product_id: f"{obs_id}/{plane.product_id}" for plane in observation.planes}
        plane_numbers = give_numbers(connection, "plane", plane_names.values())
        planes = {
            (plane_numbers[plane_names[plane.product_id]],): plane_row(
                plane, plane_numbers[plane_names[plane.product_id]], number, obs_id
            )
            for plane in observation.planes
        }
        files = [(plane.product_id, artifact) for plane in observation.planes for artifact in plane.artifacts]
        numbers = give_numbers(connection, "artifact", [artifact.filename for _, artifact in files])
        artifacts: dict[tuple[Any, ...], Row] = {}
        for product_id, artifact in files:
            own = numbers[artifact.filename]
            artifacts[(own,)] = artifact_row(artifact, product_id, filed[artifact.filename], own, number)
        changed = revise(connection, PLANE, current_rows(connection, PLANE, "obs_number", [number]), planes, seq)
        before = current_rows(connection, ARTIFACT, "obs_number", [number])
        before |= current_rows(connection, ARTIFACT, "artifact_number", numbers.values())
        changed |= revise(connection, ARTIFACT, before, artifacts, seq)
        return number, bool(changed)

    def save_historical(self, connection: Connection, seq: int, observation: Observation, filed: Filed) -> None:
        """Store the only file of ``observation`` as a version never current: it begins and ends with ``seq``."""
        ((plane, artifact),) = [(plane, artifact) for plane in observation.planes for artifact in plane.artifacts]
        number = give_numbers(connection, "observation", [observation.obs_id])[observation.obs_id]
        own = give_numbers(connection, "artifact", [artifact.filename])[artifact.filename]
        row = artifact_row(artifact, plane.product_id, filed, own, number)
        connection.execute(insert(ARTIFACT), {**row, SEQ_FROM: seq, SEQ_TO: seq})

    def save_summary(
        self, connection: Connection, seq: int, observation: Observation, *, at: datetime, changed: bool
    ) -> None:
        """Make the observation's own row current, after its products and links were saved.

        ``changed`` says that products or links changed, so that ``modified_at`` moves though the row may not.
        """
        number = known_numbers(connection, "observation", [observation.obs_id])[observation.obs_id]
        before = current_rows(connection, OBSERVATION, "obs_number", [number])
        artifacts = self.artifacts_of(connection, [number])[number]
        linked = self.count_links(connection, [number])[number]
        row = observation_row(observation, number, listing_of(observation, artifacts, linked))
        old = before.get((number,))
        first = old["archived_at"] if old else self._first_archived(connection, number) or at
        same = old is not None and not changed and all(old[name] == value for name, value in row.items())
        moment = old["modified_at"] if old is not None and same else at
        revise(connection, OBSERVATION, before, {(number,): {**row, "archived_at": first, "modified_at": moment}}, seq)

    def relist(self, connection: Connection, seq: int, obs_numbers: Iterable[int], *, at: datetime) -> None:
        """Bring ``n_products`` of these observations up to date after links changed."""
        before = current_rows(connection, OBSERVATION, "obs_number", obs_numbers)
        numbers = [key[0] for key in before]
        linked, own = self.count_links(connection, numbers), self.artifacts_of(connection, numbers)
        wanted = {
            key: {**_content(OBSERVATION, row), "n_products": len(own[key[0]]) + linked[key[0]], "modified_at": at}
            for key, row in before.items()
        }
        revise(connection, OBSERVATION, before, wanted, seq)

    def withdraw(self, connection: Connection, seq: int, obs_number: int) -> None:
        """End the rows of an observation, its planes, artifacts and the links to it."""
        for table in (OBSERVATION, PLANE, ARTIFACT, PRODUCT_LINK):
            rows = current_rows(connection, table, "obs_number", [obs_number])
            end_rows(connection, table, list(rows.values()), seq)

    def count_links(self, connection: Connection, obs_numbers: Iterable[int]) -> dict[int, int]:
        """Return how many products of others are listed with each of these observations."""
        counts = dict.fromkeys(obs_numbers, 0)
        for chunk in in_chunks(sorted(counts)):
            query = (
                select(PRODUCT_LINK.c.obs_number, func.count())
                .where(PRODUCT_LINK.c.obs_number.in_(chunk), alive(PRODUCT_LINK, None))
                .group_by(PRODUCT_LINK.c.obs_number)
            )
            counts.update((number, count) for number, count in connection.execute(query))
        return counts

    def _first_archived(self, connection: Connection, number: int) -> datetime | None:
        query = select(OBSERVATION.c.archived_at).where(OBSERVATION.c.obs_number == number)
        return min(connection.execute(query).scalars(), default=None)


def alive(table: Any, snapshot: int | None) -> ColumnElement[bool]:
    end: ColumnElement[Any] = table.c[SEQ_TO]
    if snapshot is None:
        return end.is_(None)
    begun: ColumnElement[bool] = table.c[SEQ_FROM] <= snapshot
    return and_(begun, or_(end.is_(None), end > snapshot))


def _with_owners(parent: ColumnElement[int]) -> Any:
    owned = and_(OBSERVATION.c.obs_number == ARTIFACT.c.obs_number, alive(OBSERVATION, None))
    names = ("obs_id", "proposal_id", "dataproduct_type", "filters", "algorithm", "cal_ver", "instrument_name")
    listed = (ARTIFACT.c[name] for name in LISTED)
    columns: list[Any] = [*listed, parent.label("parent"), *(OBSERVATION.c[name] for name in names)]
    return select(*columns).outerjoin(OBSERVATION, owned).where(alive(ARTIFACT, None))


def with_owner(snapshot: int | None) -> Any:
    owned = and_(OBSERVATION.c.obs_number == ARTIFACT.c.obs_number, alive(OBSERVATION, snapshot))
    columns = (ARTIFACT, OBSERVATION.c.obs_id, OBSERVATION.c.proposal_id)
    return select(*columns).outerjoin(OBSERVATION, owned).where(alive(ARTIFACT, snapshot))


def _content(table: Table, row: Row) -> Row:
    return {name: row[name] for name in load_tables()[table.name].names}
