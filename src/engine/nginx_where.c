#include <acmec/engine/nginx_where.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/engine/world.h>

static bool take(void *ctx, const struct event *event)
{
    return nginx_find_take(ctx, event);
}

static bool wait_for_end(struct run *run, struct nginx_find *find, struct error *err)
{
    while (!find->over) {
        world_wait_for(run, INT64_MAX, take, find);
        if (!world_goes_on(run, err))
            return false;
    }
    return true;
}

bool nginx_where(struct run *run, const struct nginx_wish *wish, struct nginx_instance *out,
                 struct error *err)
{
    struct nginx_world world = {.ports = run->ports, .last_child = &run->last_child};
    AUTO(nginx_find) find;
    nginx_find_start(&find, &world, wish);
    if (!wait_for_end(run, &find, err))
        return false;
    if (!find.good) {
        *err = find.error;
        return false;
    }
    *out = find.found;
    find.found = (struct nginx_instance){0};
    return true;
}

static void add_conf(const struct nginx_instance *instance, struct name_list *confs)
{
    if (instance->conf == NULL)
        return;
    confs->items = mem_resize(confs->items, confs->count + 1, sizeof *confs->items);
    confs->items[confs->count++] = mem_strdup(instance->conf);
}

bool nginx_where_all(struct run *run, struct name_list *confs, struct error *err)
{
    const struct nginx_wish any = {0};
    struct nginx_world world = {.ports = run->ports, .last_child = &run->last_child};
    AUTO(nginx_find) find;
    nginx_find_start(&find, &world, &any);
    if (!wait_for_end(run, &find, err))
        return false;
    add_conf(&find.found, confs);
    for (size_t i = 0; i < find.candidate_count; i++)
        add_conf(&find.candidates[i], confs);
    return true;
}
