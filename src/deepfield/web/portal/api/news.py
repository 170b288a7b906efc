"""What is new: came, changed or became public lately."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from deepfield.services.news import Bulletin, Item, News, address_of
from deepfield.web.context import TheArchive
from deepfield.web.portal.api.documents import iso

router = APIRouter(tags=["archive"])
LONGEST = 366


class NewsItem(BaseModel):
    """What happened to one programme on one day."""

    programme: str = Field(description="Number of the programme; empty for observations of none")
    day: str = Field(description="UTC", examples=["2026-11-24"])
    title: str | None
    pi: str | None
    instruments: list[str]
    observations: int
    latest: str = Field(description="The last of it, ISO 8601 UTC")
    public: bool = Field(description="Whether all of these observations are public")
    exclusive_until: str | None = Field(description="The latest release among them, while it lies ahead and is known")
    address: str = Field(description="Where the portal shows them")

    @classmethod
    def of(cls, item: Item) -> "NewsItem":
        return cls(
            programme=item.programme,
            day=item.day.isoformat(),
            title=item.title,
            pi=item.pi,
            instruments=list(item.instruments),
            observations=item.observations,
            latest=iso(item.latest),
            public=item.is_public,
            exclusive_until=iso(item.exclusive_until),
            address=address_of(item.search),
        )


class NewsOfKind(BaseModel):
    """Everything of one happening."""

    happening: str = Field(description="`archived`, `changed` (reprocessed, or described anew) or `public`")
    observations: int
    instruments: dict[str, int] = Field(description="Observations by instrument")
    items: list[NewsItem] = Field(description="By programme and day, the latest first")
    total: int = Field(description="Items, listed or not")
    address: str = Field(description="Where the portal shows all of them")

    @classmethod
    def of(cls, news: News) -> "NewsOfKind":
        return cls(
            happening=news.happening,
            observations=news.observations,
            instruments=dict(news.instruments),
            items=[NewsItem.of(item) for item in news.items],
            total=news.total,
            address=address_of(news.search),
        )


class BulletinDocument(BaseModel):
    """The news between two moments."""

    since: str
    until: str
    snapshot: str
    news: list[NewsOfKind]

    @classmethod
    def of(cls, bulletin: Bulletin) -> "BulletinDocument":
        return cls(
            since=iso(bulletin.since),
            until=iso(bulletin.until),
            snapshot=str(bulletin.snapshot),
            news=[NewsOfKind.of(news) for news in bulletin.news],
        )


@router.get("/news", operation_id="getNews", summary="What is new")
def get_news(
    archive: TheArchive, days: Annotated[int, Query(ge=1, le=LONGEST, description="How far to look back")] = 7
) -> BulletinDocument:
    """Tell what came, what changed and what became public in the last days, by programme and day."""
    return BulletinDocument.of(archive.newsroom.bulletin(days))
