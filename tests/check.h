/* What every test program includes first: cmocka with its prerequisites. */
#ifndef TOCSIN_TESTS_CHECK_H
#define TOCSIN_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/text.h"

/* Fails with the error's own words. */
#define assert_ok(call, err)                                                                                 \
    do {                                                                                                     \
        int rc_ = (call);                                                                                    \
        if (rc_ < 0) fail_msg("%s: %s (%s) at %s", #call, error_name(rc_), (err).message, (err).where);      \
    } while (0)

#endif
