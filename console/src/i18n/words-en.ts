import { wordsOf, type Words } from '.'

export default wordsOf(import.meta.glob<Words>(['./en/*.json', '!./en/field.json'], { eager: true, import: 'default' }))
