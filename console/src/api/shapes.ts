// Outlines of regions, from the store: no outside tiles.
import { get, Problem } from '@/api/client'
import type { components } from '@/api/schema'

export type Shapes = components['schemas']['RegionShapes']
const levels: Record<number, number> = { 0: 1, 2: 2, 4: 3, 6: 4, 9: 5 }

/** Outlines of the regions right below one; null when none are stored. */
export async function shapesBelow(region: string): Promise<Shapes | null> {
  try {
    const got = await get<Shapes>('regions/shapes', { under: region, level: levels[region.length] })
    return got.features.length ? got : null
  } catch (e) {
    if (e instanceof Problem && (e.status === 404 || e.status === 403)) return null
    throw e
  }
}

/** The longest ring of an outline, [longitude, latitude]. */
export function shapeRing(geometry: Shapes['features'][number]['geometry']): [number, number][] {
  const polygons = (geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates) as [number, number][][][]
  return polygons.map((p) => p[0] ?? []).reduce((a, b) => (b.length > a.length ? b : a), [])
}
