"""What the sky view of a page says it has drawn; it tells so when its profile asks for tests."""

from playwright.sync_api import Locator, Page


def sky_of(page: Page) -> Locator:
    return page.get_by_role("application").first


def drawn(page: Page, *, until: str = "sky.drawn.length > 0") -> dict[str, tuple[float, float]]:
    """Wait until the state of the ``sky`` is as asked; return the pixels of what is drawn by observation number."""
    places = page.evaluate(
        f"""() => new Promise((resolve) => {{
            const look = () => {{
                const sky = window.__deepfield_sky
                if (sky && ({until})) resolve(sky.drawn)
                else requestAnimationFrame(look)
            }}
            look()
        }})"""
    )
    return {place["obs_number"]: tuple(place["pixel"]) for place in places if place["pixel"]}


def middle(page: Page) -> tuple[float, float]:
    """Return the pixel in the middle of the sky."""
    box = sky_of(page).bounding_box()
    return box["width"] / 2, box["height"] / 2
