// Severity is never told by colour alone. Looked for in what is drawn, not in names of classes: whatever is written, filled or edged in one of the tones of the house must carry a
// sign as well, and two colours of a chart must differ in shape, hatching or stroke too. A word is not enough: the same word may stand there in grey.

/** Each fault in words; none where every tone is told twice. `tone`: how the page's own tones begin, `--tone-` in the console, `--` in the field app. */
export const tonesAlone = (page, tone = '--tone-') =>
  page.evaluate((before) => {
    const root = getComputedStyle(document.documentElement)
    const probe = document.body.appendChild(document.createElement('i'))
    const drawn = (colour) => ((probe.style.color = ''), (probe.style.color = colour), getComputedStyle(probe).color)
    const tones = new Map(['bad', 'warn', 'good', 'bad-ground', 'warn-ground', 'good-ground'].map((name) => [drawn(root.getPropertyValue(before + name).trim()), name]))
    probe.remove()
    if (tones.size < 6) return ['the tones of the house are not known']

    const behind = (e, which) => (getComputedStyle(e, which).content.match(/^"(.*?)"/)?.[1] ?? '')
    const said = (e) => (e instanceof HTMLElement ? [e, ...e.querySelectorAll('*')].map((one) => behind(one, '::before') + behind(one, '::after')).join('') + (e.innerText ?? '') : '')
    const sign = (text) => /[▲△▼▽✓✗✕×◐○●◆◇■□*?!！？≠−↑↓]|(^|\s)\+/.test(text)
    const ownText = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())
    const near = (e) => e.closest('td, th, li, dd, dt, a, button, p, h1, h2, h3, h4, legend, .counter, [role=gridcell], [role=status]') ?? e.parentElement ?? e
    const row = (e) => e.closest('tr, li, p, [role=row], .counter, dl > div') ?? near(e)
    const faults = new Set()
    const fault = (e, how) => faults.add(`${how}: ${e.tagName.toLowerCase()}.${String(e.getAttribute('class') ?? '').replace(/ /g, '.')} "${(near(e).innerText ?? '').trim().replace(/\s+/g, ' ').slice(0, 60)}"`)
    for (const e of document.querySelectorAll('#app *, .el-overlay *, .el-popper *')) {
      if (!e.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || e.closest('ins, del')) continue
      const style = getComputedStyle(e)
      const ink = tones.get(style.color)
      if (ink && ownText(e)) {
        let box = e
        while (box.parentElement && getComputedStyle(box.parentElement).color === style.color) box = box.parentElement
        if (!sign(said(box)) && !sign(said(near(e)))) fault(e, `written in ${ink}`)
      }
      const ground = tones.get(style.backgroundColor)
      if (ground && !sign(said(e)) && !sign(said(row(e)))) fault(e, `on ${ground}`)
      for (const side of ['Top', 'Right', 'Bottom', 'Left'])
        if (parseFloat(style[`border${side}Width`]) > 0 && tones.has(style[`border${side}Color`]) && !ground && !sign(said(e)) && !sign(said(near(e)))) fault(e, `edged in ${tones.get(style[`border${side}Color`])}`)
    }

    // charts stand on canvases: what was asked of them is taken from the parts that draw them
    const look = { em: 12, pen: 1, font: 'sans-serif', ink: '#111', faint: '#666', line: '#ddd', paper: '#fff', accent: '#15a', bad: '#b22', note: '#eef', dark: false, width: 800, height: 360 }
    const options = []
    const descend = (node) => {
      if (!node || typeof node !== 'object') return
      if (Array.isArray(node)) return node.forEach(descend)
      const part = node.component
      if (part) {
        const asked = part.exposed?.option ?? part.props?.option
        if (asked && part.subTree?.el?.checkVisibility?.()) options.push(typeof asked === 'function' ? asked(look) : asked)
        descend(part.subTree)
      }
      descend(node.children)
      if (node.suspense) descend(node.suspense.activeBranch)
    }
    descend(document.querySelector('#app')._vnode)
    for (const option of options) {
      const told = new Map()
      const add = (how, colour) => told.set(how, (told.get(how) ?? new Set()).add(colour))
      for (const [i, s] of [option?.series ?? []].flat().entries()) {
        if (s.type === 'map') {
          if (!s.data.every((d) => d.label?.show && d.label.formatter)) faults.add('a map: regions without their number')
          continue
        }
        const own = s.itemStyle?.color ?? s.lineStyle?.color ?? `colour ${i}`
        const stroke = (l) => (l ? JSON.stringify(l.type ?? 'solid') : '')
        for (const d of s.data ?? []) {
          const style = { ...s.itemStyle, ...d?.itemStyle }
          add([s.type, d?.symbol ?? s.symbol ?? '', s.type === 'line' ? stroke(s.lineStyle) : '', JSON.stringify(style.decal ?? ''), style.borderType ?? ''].join(' '), String(style.color ?? own))
        }
        for (const l of s.links ?? s.edges ?? []) add(`link ${stroke({ ...s.lineStyle, ...l.lineStyle })}`, String(l.lineStyle?.color ?? s.lineStyle?.color))
      }
      for (const [how, colours] of told) if (colours.size > 1) faults.add(`a chart: ${[...colours].join(', ')} differ in nothing but colour (${how.trim()})`)
    }
    return [...faults, ...(document.querySelector('.chart, .plots canvas') && !options.length ? ['charts stand there and none is found'] : [])]
  }, tone)
