import { wordsOf, type Words } from '.'

export default wordsOf(import.meta.glob<Words>(['./zh/*.json', '!./zh/field.json'], { eager: true, import: 'default' }))
