// What the API's document tells of an answer (schema.d.ts is made from it): the types of what screens take as it comes.
import type { components } from '@/api/schema'

export type Told = components['schemas']
