// What is cut: words, drawings and frames that do not end inside what they stand in, where that hides what stands out of it. Words that end in an ellipsis do so on purpose.
/** Runs in the page, also while it is put on paper; `root` is the selector of the sheet or the wall, which hides what stands out of it as well. */
export function cutOff(root) {
  const sheet = document.querySelector(root)
  const out = []
  for (const e of sheet.querySelectorAll('*')) {
    if (!e.checkVisibility({ visibilityProperty: true }) || e.closest('.unseen')) continue
    const said = [...e.childNodes].filter((n) => n.nodeType === 3 && n.data.trim())
    if (!said.length && !e.matches('canvas:not(.over *), svg, img, .paper')) continue
    const range = document.createRange()
    let boxes = said.length ? said.flatMap((n) => (range.selectNodeContents(n), [...range.getClientRects()])) : [e.getBoundingClientRect()]
    boxes = boxes.filter((b) => b.width).map(({ left, right, top, bottom }) => ({ left, right, top, bottom }))
    const bear = Math.max(2, said.length ? 0.25 * parseFloat(getComputedStyle(e).fontSize) : 0) // of a line the room above and below its letters
    for (let at = e; at && at !== sheet.parentElement; at = at.parentElement) {
      const style = getComputedStyle(at)
      if (at !== sheet && style.overflowX === 'visible' && style.overflowY === 'visible') continue
      const room = at.getBoundingClientRect()
      if (style.textOverflow === 'ellipsis') boxes = boxes.map((b) => ({ ...b, right: Math.min(b.right, room.right) }))
      const over = Math.max(0, ...boxes.map((b) => Math.max(b.bottom - room.bottom - bear, room.top - b.top - bear, b.right - room.right - 2, room.left - b.left - 2)))
      if (!over) continue
      out.push(`${e.tagName.toLowerCase()}.${e.className} "${(e.innerText ?? '').trim().slice(0, 24)}" by ${at.tagName.toLowerCase()}.${at.className}, ${Math.ceil(over)} px`)
      break
    }
  }
  return [...new Set(out)].slice(0, 8)
}
