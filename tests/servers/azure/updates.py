"""INSERT, UPDATE, DELETE and MERGE: T-SQL's joins in changes of rows, by the numbers of the rows they touch."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp
from tests.servers.azure.catalog import Table
from tests.servers.azure.errors import SqlError
from tests.servers.azure.names import Names, table_name


class Changes:
    """Rewrites one change of rows; `target` is the table that it changes."""

    def __init__(self, names: Names, resolve: Callable[[exp.Table], Table | None]) -> None:
        self._names, self._resolve = names, resolve
        self.target: Table | None = None

    def rewritten(self, tree: exp.Expression) -> exp.Expression:
        if isinstance(tree, exp.Insert):
            place = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
            self._target(place)
            place.replace(exp.Table(this=exp.Var(this=self._stored), placed=True))
            return tree
        if isinstance(tree, exp.Merge):
            self._target(tree.this)
            alias = tree.this.alias_or_name
            tree.this.replace(
                exp.Table(
                    this=exp.Var(this=self._stored),
                    placed=True,
                    alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True)),
                )
            )
            return tree
        return self._update(tree) if isinstance(tree, exp.Update) else self._delete(tree)

    def _target(self, node: exp.Table) -> Table:
        found = self._resolve(node)
        if found is None or found.kind != "U":
            raise SqlError(259, "Ad hoc updates to system catalogs are not allowed.")
        self.target = found
        return found

    @property
    def _stored(self) -> str:
        assert self.target is not None
        return self.target.stored

    def _named(self, node: exp.Table, source: exp.From | None) -> exp.Table:
        """The table that a change names: itself, or by its alias in FROM."""
        if source is not None and not node.db:
            for each in [source.this, *(join.this for join in source.this.args.get("joins") or [])]:
                if isinstance(each, exp.Table) and each.alias.lower() == node.name.lower():
                    return each
        return node

    def _rows(self, tree: exp.Expression, node: exp.Table, source: exp.From, items: list) -> exp.Select:  # type: ignore[type-arg]
        """The rows of a change with FROM: their numbers, and what they become."""
        named = self._named(node, source)
        target = self._target(named)
        everything = [source.this, *(join.this for join in source.this.args.get("joins") or [])]
        own = next(
            (
                each
                for each in everything
                if each is named
                or (isinstance(each, exp.Table) and self._names.table(each.db, table_name(each)) is target)
            ),
            None,
        )
        select = exp.Select()
        if own is None:
            own = exp.Table(this=node.this.copy(), db=node.args.get("db"))
            select = select.from_(own, copy=False)
            select.append("joins", exp.Join(this=source.this, kind="CROSS"))
            joins = source.this.args.pop("joins", None) or []
            select.set("joins", [*select.args.get("joins", []), *joins])
        else:
            select.set("from_", source)
            joins = source.this.args.pop("joins", None) or []
            select.set("joins", joins)
        number = exp.Column(
            this=exp.to_identifier("rowid"), table=exp.to_identifier(own.alias_or_name, quoted=True)
        )
        select.set("expressions", [exp.alias_(number, "_row"), *items])
        if tree.args.get("where"):
            select.set("where", tree.args["where"])
        return select

    def _update(self, tree: exp.Update) -> exp.Expression:
        source = tree.args.get("from_") or tree.args.get("from")
        if source is None:
            target = self._target(tree.this)
            place = exp.Table(
                this=exp.Var(this=target.stored),
                placed=True,
                alias=exp.TableAlias(this=exp.to_identifier(tree.this.alias_or_name, quoted=True)),
            )
            for each in tree.expressions:
                each.set("this", exp.column(each.this.name, quoted=True))
            tree.set("this", place)
            return tree
        sets = tree.expressions
        items = [exp.alias_(each.expression, f"_v{number}") for number, each in enumerate(sets)]
        rows = self._rows(tree, tree.this, source, items)
        changed = [
            exp.EQ(
                this=exp.column(each.this.name, quoted=True),
                expression=exp.Column(
                    this=exp.to_identifier(f"_v{number}"), table=exp.to_identifier("_rows")
                ),
            )
            for number, each in enumerate(sets)
        ]
        place = exp.Table(
            this=exp.Var(this=self._stored),
            placed=True,
            alias=exp.TableAlias(this=exp.to_identifier("_target")),
        )
        return exp.Update(
            this=place,
            expressions=changed,
            from_=exp.From(
                this=exp.Subquery(this=rows, alias=exp.TableAlias(this=exp.to_identifier("_rows")))
            ),
            where=exp.Where(this=exp.Var(this="_target.rowid = _rows._row")),
        )

    def _delete(self, tree: exp.Delete) -> exp.Expression:
        named = tree.args.get("tables")
        source = tree.this
        if not named and not source.args.get("joins"):
            target = self._target(source)
            place = exp.Table(
                this=exp.Var(this=target.stored),
                placed=True,
                alias=exp.TableAlias(this=exp.to_identifier(source.name, quoted=True)),
            )
            tree.set("this", place)
            return tree
        rows = self._rows(tree, named[0] if named else source, exp.From(this=source), [])
        inside = exp.In(this=exp.Var(this="rowid"), query=exp.Subquery(this=rows))
        inside.set("placed", True)
        return exp.Delete(
            this=exp.Table(this=exp.Var(this=self._stored), placed=True), where=exp.Where(this=inside)
        )
