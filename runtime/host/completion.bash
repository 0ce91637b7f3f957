# Completion of fellowship for bash: the program itself tells what there is.

_fellowship() {
    local word=${COMP_WORDS[COMP_CWORD]} line found=()
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
        @files) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word") ;;
        @lua) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -X '!*.lua' -- "$word") ;;
        *) found+=("$line") ;;
        esac
    done < <("${COMP_WORDS[0]}" --complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "${found[*]}" -- "$word")
    # A model's name goes on behind its provider.
    if [[ ${COMPREPLY[0]} == *: ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -o filenames -F _fellowship fellowship
