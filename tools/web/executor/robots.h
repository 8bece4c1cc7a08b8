#include <stdlib.h>
#include <stdbool.h>
enum robots_access { ROBOTS_LINES, ROBOTS_EVERYTHING, ROBOTS_NOTHING };
struct robots;
static inline void robots_free(struct robots *r)
{
	(void)r;
}
static inline struct robots *robots_parse(const char *a, size_t b, const char *c)
{
	(void)a;
	(void)b;
	(void)c;
	return NULL;
}
static inline bool robots_allows(struct robots *r, const char *p, char *w, size_t s)
{
	(void)r;
	(void)p;
	(void)w;
	(void)s;
	return true;
}
static inline enum robots_access robots_from_status(long s)
{
	(void)s;
	return ROBOTS_EVERYTHING;
}
