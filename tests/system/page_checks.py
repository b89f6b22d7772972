"""What every page of the board must hold in a browser: names, landmarks, contrast, targets, and nothing cut."""

from __future__ import annotations

CHECKS = """() => {
  const problems = [];
  const visible = (element) => element.checkVisibility({checkVisibilityCSS: true}) && !element.closest('.hidden, .skip');
  const name = (element) => (element.getAttribute('aria-label') || element.textContent || element.title || element.alt || '').trim();
  const one = (selector, what) => {
    const count = document.querySelectorAll(selector).length;
    if (count !== 1) problems.push(`${count} ${what}`);
  };
  one('h1', 'h1'); one('main', 'main'); one('title', 'title');
  if (document.documentElement.lang !== 'en') problems.push('no lang');
  const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
  ids.filter((id, place) => ids.indexOf(id) !== place).forEach((id) => problems.push(`id ${id} twice`));
  for (const element of document.querySelectorAll('a[href], button, summary'))
    if (!name(element)) problems.push(`no name: ${element.outerHTML.slice(0, 80)}`);
  for (const field of document.querySelectorAll('input, select'))
    if (!field.labels.length) problems.push(`no label: ${field.outerHTML.slice(0, 80)}`);
  for (const frame of document.querySelectorAll('iframe'))
    if (!frame.title) problems.push('iframe without title');
  for (const picture of document.querySelectorAll('svg'))
    if (!picture.closest('[aria-hidden]') && !picture.getAttribute('aria-label')) problems.push('svg without name');
  for (const table of document.querySelectorAll('table')) {
    if (!table.caption) problems.push('table without caption');
    for (const cell of table.querySelectorAll('th')) if (!cell.scope) problems.push(`th without scope: ${cell.textContent.slice(0, 30)}`);
  }
  for (const region of document.querySelectorAll('.scroll'))
    if (visible(region) && (region.tabIndex !== 0 || !region.getAttribute('aria-label'))) problems.push('scroll region without name or focus');
  if (document.documentElement.scrollWidth > innerWidth) problems.push(`page is ${document.documentElement.scrollWidth} wide in ${innerWidth}`);
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, place) => sum + c * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0.99) return colour;
    }
    return [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !visible(element) || element.closest('script, style, option')) continue;
    const style = getComputedStyle(element);
    const ink = parse(element.closest('svg') ? style.fill : style.color);
    const [a, b] = [light(ink), light(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) problems.push(`contrast ${ratio.toFixed(2)}: ${walker.currentNode.textContent.trim().slice(0, 40)}`);
    if (parseFloat(style.fontSize) < 11) problems.push(`${style.fontSize}: ${walker.currentNode.textContent.trim().slice(0, 40)}`);
  }
  for (const mark of document.querySelectorAll('.strip path, .icon .shape')) {
    const [a, b] = [light(parse(getComputedStyle(mark).fill)), light(behind(mark.closest('svg')))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 3) problems.push(`contrast of a mark ${mark.getAttribute('class')}`);
  }
  for (const target of document.querySelectorAll('nav a, button, .button, input, select, .heat a, summary'))
    if (visible(target) && target.getBoundingClientRect().height < (target.type === 'checkbox' ? 16 : 24)) problems.push(`small target ${name(target)}`);
  return [...new Set(problems)];
}"""


def problems_of(page) -> list[str]:
    """What is wrong with the page that is open, in words."""
    return page.evaluate(CHECKS)


def serious_faults(page) -> list[str]:
    """What axe calls serious or critical on the page that is open: its rule, and each element."""
    from axe_playwright_python.sync_playwright import Axe

    response = Axe().run(page).response
    assert response["passes"], "axe looked at nothing"
    violations = response["violations"]
    return [
        f"{each['id']}: {node['html'][:120]}"
        for each in violations
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


def framed(page, address: str):
    """What a view of the board shows inside Airflow's page."""
    page.goto(address)
    frame = page.frame_locator("iframe").first
    frame.get_by_role("heading", level=1).wait_for(timeout=60_000)
    return frame
