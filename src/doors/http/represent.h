/* doors/http: records as JSON and back. One shape everywhere:
 *   {"id":7,"register":"case","version":2,"state":"open","number":"C-...","region":"310115","created_at":"...","changed_at":"...","fields":{...}}
 * Cells: integers, references (ids) and decimals are numbers, booleans true or false, everything else the canonical text that the importer reads too;
 * several codes are an array; an empty cell is left out; a sealed one that was not opened is "***". */
#ifndef TOCSIN_DOORS_HTTP_REPRESENT_H
#define TOCSIN_DOORS_HTTP_REPRESENT_H

#include "desks/export/export.h"
#include "doors/http/request.h"
#include "ledger/obligation.h"

#define REPRESENT_MASK "***"

/* One cell as a JSON value. */
int represent_cell(struct buf *b, const struct field *f, struct value v, int32_t zone_s);
/* A whole record. fields: which cells, by index, 16 bytes a bit each (FIELDS_MAX is 120); NULL: all. */
int represent_record(struct buf *b, const struct record *r, int32_t zone_s, const unsigned char *fields);
/* "none", "region", "department", "unit" or "person". */
const char *represent_party(int owner_kind);
/* Of "owner", for the schemas that have a duty in them. */
#define REPRESENT_OWNER_SCHEMA                                                                                                                                \
    "{\"type\":\"object\",\"properties\":{\"kind\":{\"type\":\"string\"},\"id\":{\"type\":\"integer\",\"format\":\"int64\"},\"title\":{\"type\":\"string\"}," \
    "\"region\":{\"type\":\"string\"},\"by\":{\"type\":\"object\",\"properties\":{\"kind\":{\"type\":\"string\"},\"department\":{\"type\":\"string\"},"    \
    "\"field\":{\"type\":\"string\"}}}}}"
/* {"rule":..,"title":..,"desk":..,"register":..,"record":..,"number":..,"region":..,"due_at":..,"adoption":..,"handed":..,"overdue":..,"level":..,"owner":{..}
 * The object stays open for more. rule may be NULL. */
int represent_duty(struct buf *b, const struct obligation *o, const struct duty_rule *rule, struct export_names *names, const struct request *r, int32_t zone_s,
                   struct error *err);
/* Reads {"fields":{...},"state":..,"region":..,"outside_key":..} at j into a draft. `at` is the JSON pointer of j ("" or "/rows/3"). null empties a cell. */
int represent_draft(struct request *r, const json_t *j, const char *at, struct draft *d, struct error *err);

#endif
