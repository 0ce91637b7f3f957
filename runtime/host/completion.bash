# Completion of fellowship for bash: commands, bundled scripts, their options and choices, files.

_fellowship() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} program=${COMP_WORDS[0]}
    local commands="run list repl new check help reference store --version --help"
    local script=() i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        run) [ $((i + 1)) -lt "$COMP_CWORD" ] && script=(run "${COMP_WORDS[i + 1]}") && break ;;
        *.lua) script=("${COMP_WORDS[i]}") && break ;;
        esac
    done
    if [ "$before" = run ] && [ "$COMP_CWORD" = 2 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$("$program" list 2>/dev/null | cut -d' ' -f1)" -- "$word"
            compgen -f -X '!*.lua' -- "$word")
    elif [ "$before" = store ] && [ "$COMP_CWORD" = 2 ]; then
        mapfile -t COMPREPLY < <(compgen -W "ls show batches export import why prune" -- "$word")
    elif [[ $word == -* ]]; then
        # The options stand at the beginning of the lines of --help.
        local options
        if [ ${#script[@]} -gt 1 ]; then options=$("$program" "${script[@]}" --help 2>/dev/null)
        else options=$("$program" --help 2>/dev/null); fi
        mapfile -t COMPREPLY < <(compgen -W "$(grep -o '^  --[a-z-]*' <<<"$options")" -- "$word")
    elif [[ $before == --* ]] && [ ${#script[@]} -gt 1 ]; then
        local choices
        choices=$("$program" "${script[@]}" --help 2>/dev/null |
            sed -n "s/^  $before [A-Z][^ ]* .*(\([a-z, -]*\)[;)].*/\1/p" | grep -v required)
        mapfile -t COMPREPLY < <(if [ -n "$choices" ]; then compgen -W "${choices//,/ }" -- "$word"
            else compgen -f -- "$word"; fi)
    elif [ "$COMP_CWORD" = 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word"; compgen -f -X '!*.lua' -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}
complete -o filenames -F _fellowship fellowship
