/* PostgreSQL: not in this first version; opening one says so. */
#include "store/driver.h"

int postgres_open(const char *url, enum db_mode mode, struct db **ret, struct error *err) {
    (void)url, (void)mode, (void)ret;
    return error_set(err, E_UNSUPPORTED, NULL, "PostgreSQL is not built in");
}
