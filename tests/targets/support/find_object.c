/* Debian's libgcc_eh.a was built for glibc 2.35 and calls its _dl_find_object to find the
 * unwind tables of an address. musl has no such function; this one asks dl_iterate_phdr. */
#define _GNU_SOURCE
#include <link.h>
#include <pthread.h>
#include <stddef.h>

/* libgcc refers to these weakly. Without a strong reference a static link leaves them
 * null, and the first unwind jumps to address 0. */
__attribute__((used)) static void *const strong[] = {
    pthread_once,        pthread_key_create, pthread_getspecific,
    pthread_setspecific, pthread_mutex_lock, pthread_mutex_unlock,
};

/* struct dl_find_object of <dlfcn.h> in glibc. */
struct object {
    unsigned long long flags;
    void *map_start, *map_end;
    void *link_map;
    void *eh_frame_hdr;
    unsigned long long reserved[7];
};

struct search {
    ElfW(Addr) address;
    struct object *object;
    int is_found;
};

static int visit(struct dl_phdr_info *info, size_t size, void *argument) {
    struct search *search = argument;
    ElfW(Addr) start = -1, end = 0, tables = 0;
    int is_inside = 0;
    (void)size;
    for (int n = 0; n < info->dlpi_phnum; n++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[n];
        ElfW(Addr) from = info->dlpi_addr + segment->p_vaddr, to = from + segment->p_memsz;
        if (segment->p_type == PT_GNU_EH_FRAME)
            tables = from;
        if (segment->p_type != PT_LOAD)
            continue;
        start = from < start ? from : start;
        end = to > end ? to : end;
        is_inside |= search->address >= from && search->address < to;
    }
    if (!is_inside || !tables)
        return 0;
    search->object->map_start = (void *)start;
    search->object->map_end = (void *)end;
    search->object->eh_frame_hdr = (void *)tables;
    search->is_found = 1;
    return 1;
}

int _dl_find_object(void *address, struct object *object) {
    struct search search = {(ElfW(Addr))address, object, 0};
    dl_iterate_phdr(visit, &search);
    return search.is_found ? 0 : -1;
}
