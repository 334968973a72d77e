"""The validation pages, opened in headless Chromium as their reader would."""

import pytest

pytestmark = pytest.mark.browser

CONTRAST = """selector => {
  const linear = v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = rgb => { const [r, g, b] = rgb.match(/[0-9.]+/g).map(v => linear(v / 255));
    return .2126 * r + .7152 * g + .0722 * b };
  const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    if (!/, 0\\)$/.test(c)) return c } return "rgb(255, 255, 255)" };
  return [...document.querySelectorAll(selector)].map(e => {
    const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
    return (a + .05) / (b + .05) }) }"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index.html", "withheld.html"])
def test_the_validation_page_needs_nothing_and_can_be_read_in_both_schemes(nights, visit, name, scheme):
    """Letters and ground differ by 4.5 to 1 at least (WCAG AA), badge and lights among them."""
    page, errors, fetched = visit(nights / name, color_scheme=scheme)
    assert (errors, fetched) == ([], [])
    assert page.locator(".badge").inner_text() == (
        "Accepted" if name == "index.html" else "Withheld from analysis"
    )
    for selector in (".badge", ".light", "dd", "td", "td small", ".notes", "nav a"):
        ratios = page.evaluate(CONTRAST, selector)
        assert ratios, selector
        assert min(ratios) >= 4.5, (selector, min(ratios))


def test_every_link_of_the_validation_page_resolves(nights, visit):
    """Into the page itself, and to each form's Data Docs, which lead back."""
    page, _, _ = visit(nights / "index.html")
    links = set(page.eval_on_selector_all("a[href]", "links => links.map(a => a.getAttribute('href'))"))
    assert "docs/allocation.html" in links
    for link in links:
        if link.startswith("#"):
            assert page.locator(link).count() == 1, link
        else:
            assert (nights / link).is_file(), link
    page.click("nav a[href='docs/allocation.html']")
    page.click("header a[href='../index.html'] >> nth=0")
    assert page.url == (nights / "index.html").as_uri()


def test_the_validation_page_tells_of_the_nights(nights, visit):
    """The figure has a name and a description; the withheld night is marked."""
    page, _, _ = visit(nights / "index.html")
    figure = page.get_by_role("img")
    assert "Open queries by severity" in figure.locator("title").text_content()
    words = page.locator("figcaption").inner_text()
    assert "4 nights from 2026-03-01 to 2026-03-20." in words
    assert "1 night withheld" in words
    assert (
        "the data changed since 3 March 2026 (files: Randomisation list and Adverse events)"
        in page.inner_text("#state")
    )
    box = page.locator("figure svg").bounding_box()
    for text in page.locator("figure svg text").all():
        own = text.bounding_box()
        assert own["x"] >= box["x"] - 1
        assert own["x"] + own["width"] <= box["x"] + box["width"] + 1


def test_the_validation_page_can_be_heard_and_printed(nights, visit):
    """Headings in order, a caption and scoped headings in each table; print leaves the contents list out."""
    page, _, _ = visit(nights / "index.html")
    levels = page.eval_on_selector_all("h1, main h2, main h3", "hs => hs.map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert set(levels[1:]) == {2}
    for table in page.locator("table").all():
        assert table.locator("caption").inner_text()
        assert table.locator("th:not([scope])").count() == 0
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.className") == "skip"
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert page.locator(".badge").is_visible()


def test_the_validation_page_fits_a_telephone(nights, visit):
    """Nothing but a table that says so may be wider than the screen."""
    page, _, _ = visit(nights / "index.html", viewport={"width": 400, "height": 800})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 400
