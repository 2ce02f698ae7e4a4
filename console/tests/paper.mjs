// The command board and that of a round of testing on paper: one sheet of A4, light although the screen is dark, with its charts drawn for the sheet.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'

import { cutOff } from './cut.mjs'
import { go, must, pictures, settled, signedIn, test, undrawn } from './house.mjs'

/** Pages of a PDF as Chromium writes it: its page objects are plain. */
const pagesOf = (pdf) => (pdf.toString('latin1').match(/\/Type\s*\/Page\b(?!s)/g) ?? []).length
/** How bright a sheet is, 0 to 255, or null where nothing draws it (poppler-utils). */
function brightness(file) {
  try {
    const grey = execFileSync('pdftoppm', ['-gray', '-r', '30', file], { maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'ignore'] })
    const head = /^P5\s+(\d+)\s+(\d+)\s+255\s/.exec(grey.toString('latin1', 0, 40))
    const dots = grey.subarray(head[0].length, head[0].length + head[1] * head[2])
    return dots.reduce((sum, dot) => sum + dot, 0) / dots.length
  } catch {
    return null
  }
}

/** Where small charts are drawn, from the corner of what they stand in. Runs in the page. */
function places() {
  return [...document.querySelectorAll('.plots [data-plot]')].filter((e) => e.checkVisibility()).map((e) => {
    const [at, box] = [e.getBoundingClientRect(), e.closest('.plots').getBoundingClientRect()]
    return { what: e.dataset.plot, x: at.left - box.left, y: at.top - box.top, w: at.width, layer: getComputedStyle(e.closest('.plots').querySelector('.over')).opacity < 1 }
  })
}

export async function walk(browser) {
  for (const [name, path] of [['board', '/'], ['round', '/testing']])
    for (const [lang, look] of [['zh', 'light'], ['en', 'dark']]) {
      const page = await signedIn(browser, 'demo-command', { lang, look })
      await test(`the ${name} in ${lang} prints on one sheet of A4, light, from a ${look} screen`, async () => {
        await go(page, path)
        await page.locator('.panels .over canvas').first().waitFor()
        await settled(page)
        // what is drawn when the browser takes the page: the event comes after all that the console does at it
        await page.evaluate(`addEventListener('beforeprint', () => (window.onPaper = { missing: (${undrawn})(), places: (${places})(), cut: (${cutOff})('.board') }))`)
        const file = `${pictures}/${name}-paper-${lang}-${look}.pdf`
        writeFileSync(file, await page.pdf({ preferCSSPageSize: true, printBackground: true }))
        const pdf = readFileSync(file)
        must(pagesOf(pdf) === 1, `${pagesOf(pdf)} sheets`)
        const box = /\/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)/.exec(pdf.toString('latin1'))
        const size = [Number(box?.[1]), Number(box?.[2])].sort((a, b) => a - b).map(Math.round)
        must(Math.abs(size[0] - 595) < 3 && Math.abs(size[1] - 842) < 3, `${size} points are not A4`)
        const light = brightness(file)
        const seen = await page.evaluate(() => window.onPaper)
        must(!seen.missing.length && seen.places.length > 4, `on paper: ${seen.missing.join('; ')} ${seen.places.length} places`)
        must(!seen.cut.length, `cut on paper: ${seen.cut.join('; ')}`)
        must(seen.places.every((one) => one.layer), 'a canvas on paper wipes out what stands below it')
        // the sheet is laid out after it was drawn upon: what is drawn may not hang on how wide the screen was
        await page.setViewportSize({ width: 1062, height: 900 })
        await settled(page, 300)
        await page.pdf({ preferCSSPageSize: true, printBackground: true })
        const then = await page.evaluate(() => window.onPaper.places)
        for (const [i, one] of seen.places.entries()) must(Math.abs(one.x - then[i]?.x) < 2 && Math.abs(one.y - then[i].y) < 2 && Math.abs(one.w - then[i].w) < 2, `${one.what}: ${JSON.stringify(one)} from 1440, ${JSON.stringify(then[i])} from 1062`)
        must(light === null || light > 200, `the sheet is dark: ${light}`)
        must(await page.evaluate((want) => document.documentElement.classList.contains('dark') === (want === 'dark'), look), 'the screen is not as it was')
        must(!page.seen.faults.length, page.seen.faults.join('\n'))
      }, page)
      await page.context().close()
    }
}
