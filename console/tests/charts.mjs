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
      out.push({
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
/** Legends that are paged, cut, or written over the plot. */
export async function legendFaults(page) {
  return (await drawnCharts(page)).flatMap(({ place, wide, high, words, legend, plot }) => {
    if (!legend) return []
    const how = legend.paged ? 'is paged' : legend.left < -1 || legend.right > wide + 1 || legend.top < -1 || legend.bottom > high + 1 ? 'is cut' : plot && legend.bottom > plot.top && legend.top < plot.bottom ? 'stands on the plot' : ''
    return how ? [`the legend of ${place} ${how} (${Math.round(legend.right)} of ${wide}, down to ${Math.round(legend.bottom)}): ${words.slice(0, 6).join(' ')}`] : []
  })
}
