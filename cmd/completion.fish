# Completion of imgtools' commands for fish. Flags and what they take are read
# from the command's own -h, so they are those of the version that is there.
# make install puts it where fish looks, under the name of each command.

function __imgtools_complete
    set -l tokens (commandline -opc)
    set -l current (commandline -ct)
    set -l previous (string replace -r '^--?' '' -- $tokens[-1])
    set -l takes
    set -l synopsis
    set -l flags
    for line in ($tokens[1] -h 2>/dev/null)
        if string match -q 'usage: *' -- $line
            set synopsis $line
            continue
        end
        # "  -i IP, --ip IP   what it is"
        set -l parts (string match -r '^  (-.*?)   +(.*)$' -- $line)
        or continue
        set -l arg
        set -l names
        for word in (string split -n ' ' -- (string replace -a , '' -- $parts[2]))
            if string match -q -- '-*' $word
                set -a names $word
            else
                set arg $word
            end
        end
        set -l values (string match -r 'one of ([^(]*[^( ])' -- $parts[3])
        and set arg (string replace -a ' ' '|' -- $values[2])
        for name in $names
            set -a flags $name\t$parts[3]
            if test (count $tokens) -gt 1; and string match -q -- '-*' $tokens[-1]
                and test $previous = (string replace -r '^--?' '' -- $name)
                set takes $arg
            end
        end
    end
    switch "$takes"
        case ''
            if string match -q -- '-*' $current
                printf '%s\n' $flags
            else if string match -q -r '\[file\]\.\.\.$|keyfile' -- $synopsis
                __fish_complete_path $current
            else if string match -q '*[id]...' -- $synopsis
                set -l state $HOME/.local/state
                set -q XDG_STATE_HOME; and set state $XDG_STATE_HOME
                test -r $state/imgput/jobs
                and string replace -r '\t[^\t]*\t[^\t]*' '' <$state/imgput/jobs # id, tab, name
            end
        case FILE
            __fish_complete_path $current
        case DIR
            __fish_complete_directories $current
        case '*|*'
            string split '|' -- $takes
    end
end

for command in gray scale grayd scaled heifd imgd imgput imgget imgls imgrm imginfo imgsign
    complete -c $command -f -a '(__imgtools_complete)'
end
