/* What acmec does when it was started by itself. */
#include <acmec/engine/engine.h>

#include <acmec/engine/keygen.h>
#include <acmec/io/nginx_judge.h>
#include <string.h>

bool engine_be_child(int argc, char **argv, int *exit_code)
{
    if (argc == 3 && strcmp(argv[1], KEYGEN_ARG) == 0)
        *exit_code = keygen_main(argv[2]);
    else if (argc > 2 && strcmp(argv[1], NGINX_JUDGE_ARG) == 0)
        *exit_code = nginx_judge_main(argv);
    else
        return false;
    return true;
}
