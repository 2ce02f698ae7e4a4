// What stands on the canvases of a page: each chart's words as they are drawn, and its legend beside its plot.

/** Of each chart (parts/e-chart.vue) in sight: the class of its place, the words drawn on it, where its legend and its plot are, in pixels of it. */
export const drawnCharts = (page) =>
  page.evaluate(() => {
    const out = []
    const look = (el, chart) => {
      const model = chart.getModel()
      const legend = model.getComponent('legend')
      const group = legend && chart.getViewOfComponentModel(legend)?.group
      const of = group?.getBoundingRect()
      const plot = model.getComponent('grid')?.coordinateSystem?.getRect()
      const words = chart.getZr().storage.getDisplayList(true).filter((one) => one.style?.text && !one.invisible && one.style.opacity !== 0)
      const series = model.getSeriesByIndex(0)
      const graph = series?.subType === 'graph' ? series.getData() : null
      const rect = (one) => {
        const r = one.getBoundingRect().clone()
        if (one.transform) r.applyTransform(one.transform)
        return { word: String(one.style.text), left: r.x, right: r.x + r.width, top: r.y, bottom: r.y + r.height }
      }
      out.push({
        nodes: graph ? graph.mapArray((i) => ({ id: Number(graph.getId(i)), name: graph.getName(i), x: graph.getItemLayout(i)[0], y: graph.getItemLayout(i)[1], r: graph.getItemVisual(i, 'symbolSize') / 2 })) : [],
        links: graph ? series.getEdgeData().count() : 0,
        rects: graph ? words.map(rect) : [],
        place: el.className,
        wide: chart.getWidth(),
        high: chart.getHeight(),
        words: words.map((one) => String(one.style.text)),
        legend: of?.width ? { paged: legend.get('type') === 'scroll', left: of.x + group.x, right: of.x + group.x + of.width, top: of.y + group.y, bottom: of.y + group.y + of.height } : null,
        plot: plot ? { top: plot.y, bottom: plot.y + plot.height } : null,
      })
    }
    const descend = (node) => {
      if (!node || typeof node !== 'object') return
      if (Array.isArray(node)) return node.forEach(descend)
      const chart = node.component?.exposed?.chart?.()
      if (chart && node.component.subTree.el.checkVisibility()) look(node.component.subTree.el, chart)
      if (node.component) descend(node.component.subTree)
      descend(node.children)
      if (node.suspense) descend(node.suspense.activeBranch)
    }
    descend(document.querySelector('#app')._vnode)
    return out
  })
/** Names of a chain that lie on a case or on each other. */
export async function nameFaults(page) {
  return (await drawnCharts(page)).flatMap(({ nodes, rects }) => {
    const names = rects.filter((one) => nodes.some((n) => n.name === one.word))
    const on = names.flatMap((one) => nodes.filter((n) => n.x + n.r > one.left && n.x - n.r < one.right && n.y + n.r > one.top && n.y - n.r < one.bottom).map((n) => `${one.word} lies on ${n.name}`))
    const over = names.flatMap((one, i) => names.slice(i + 1).filter((o) => o.left < one.right && o.right > one.left && o.top < one.bottom && o.bottom > one.top).map((o) => `${one.word} lies on ${o.word}`))
    return [...on, ...over]
  })
}
/** Legends that are paged, cut, or written over the plot. */
export async function legendFaults(page) {
  return (await drawnCharts(page)).flatMap(({ place, wide, high, words, legend, plot }) => {
    if (!legend) return []
    const how = legend.paged ? 'is paged' : legend.left < -1 || legend.right > wide + 1 || legend.top < -1 || legend.bottom > high + 1 ? 'is cut' : plot && legend.bottom > plot.top && legend.top < plot.bottom ? 'stands on the plot' : ''
    return how ? [`the legend of ${place} ${how} (${Math.round(legend.right)} of ${wide}, down to ${Math.round(legend.bottom)}): ${words.slice(0, 6).join(' ')}`] : []
  })
}
