/* desks/shape: outlines of regions, for maps. An administrator brings them as GeoJSON (RFC 7946); they are checked whole, put into one written form and
 * kept in table `region_shape`, a row a region; doors give them out as GeoJSON again, each asker what lies in his regions.
 * Nothing is known of what a map means: a shape is a region's code and a polygon or several. Coordinates are longitude and latitude, WGS 84, kept
 * to 6 decimals (0.1 m); whether a file was drawn in another datum (GCJ-02) cannot be seen in it. */
#ifndef TOCSIN_DESKS_SHAPE_H
#define TOCSIN_DESKS_SHAPE_H

#include "ledger/ledger.h"

enum {
    SHAPE_FILE_MAX = 128 << 20,   /* bytes of a file */
    SHAPES_MAX = 100000,          /* features of a file */
    SHAPE_RINGS_MAX = 10000,      /* of one region */
    SHAPE_POSITIONS_MAX = 500000, /* of one region */
    SHAPE_ANSWER_MAX = 32 << 20   /* bytes of one answer */
};

struct shape {
    struct text region;   /* canonical */
    struct text geometry; /* {"type":"Polygon","coordinates":...} or MultiPolygon, as written by us */
    size_t feature;       /* of the file, from 0 */
};

struct shapes {
    struct arena arena;
    size_t n;
    struct shape *list; /* by region */
    int64_t positions;
};

/* GeoJSON text into shapes. Takes a FeatureCollection or a Feature; geometries Polygon and MultiPolygon. The region of a feature is the property `key`
 * (NULL: the first there is of code, adcode, region, region_code, gb, 区划代码, 行政区划代码, then the feature's own id). Written anew: outer rings
 * counter-clockwise, holes clockwise, heights and repeated positions dropped. Owned: shapes_clear, also after an error. Pure.
 * Errors, with a JSON pointer: E_SYNTAX (no JSON, a key twice), E_INVALID (no code, a region twice, no polygon, a ring that is not closed or has no
 * area, a coordinate outside the world, another coordinate system), E_TOO_LARGE. Not checked: rings that cross themselves. */
int shapes_parse(struct text json, const char *key, struct shapes *ret, struct error *err);
void shapes_clear(struct shapes *s);

struct shape_report {
    int64_t shapes, positions, removed;
};
/* Puts them into the store in one transaction, journalled (IMPORT of register `region`); those of the same regions are replaced. whole: shapes of other
 * regions that the asker may write are removed. Needs the right to write register `region` in every region named; a region that the register does not
 * have is E_UNKNOWN. All or nothing. */
int shapes_import(struct ledger *l, const struct session *s, const struct shapes *in, bool whole, struct shape_report *ret, struct error *err);

/* The shapes of a subtree that the asker may see, as a FeatureCollection in order of region: id and properties.code the code, properties.zh, .en its
 * titles, .level. level 0: every level. E_TOO_LARGE past SHAPE_ANSWER_MAX. ret_n (may be NULL): how many. */
int shapes_write(struct ledger *l, struct db *db, const struct session *s, struct text under, int level, struct buf *out, int64_t *ret_n, struct error *err);

#endif
