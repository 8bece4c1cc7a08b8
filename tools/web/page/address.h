/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_PAGE_ADDRESS_H
#define SALLYPORT_TOOLS_WEB_PAGE_ADDRESS_H

/* Where links of a page lead: RFC 3986 section 5.2, with what browsers forgive (WHATWG URL 4.4). */

#include "protocol/limits.h"
#include "tools/web/page/tree.h"

struct address {
	char text[LIMIT_URL_BYTES]; /* as it can stand in "](...)": no space, parenthesis or control character
				     */
	size_t length;
};

/* `reference` as seen from `base` (NULL or empty: it stays relative). False: it leads nowhere that could be
 * fetched or followed (empty, javascript:, data:, ...), or is too long. */
bool address_resolve(struct address *address, const struct address *base, struct slice reference);

#endif
