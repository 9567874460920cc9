# Completion of imgtools' commands for bash. Flags and what they take are read
# from the command's own -h, so they are those of the version that is there.
# make install puts it where bash-completion looks; without that:
# . cmd/completion.bash

_imgtools() {
	local cur=$2 prev=$3 synopsis line part arg takes='' words='' flags=''
	local -a names
	COMPREPLY=()
	while IFS= read -r line; do
		case $line in
		'usage: '*) synopsis=$line ;;
		'  -'*) # "  -i IP, --ip IP   what it is"
			line=${line#  }
			IFS=', ' read -ra names <<<"${line%%   *}"
			arg=
			for part in "${names[@]}"; do
				[[ $part == -* ]] || arg=$part
			done
			for part in "${names[@]}"; do
				[[ $part == -* ]] || continue
				flags+=" $part"
				if [[ $part == "$prev" || -$part == "$prev" || $part == "-$prev" ]]; then
					takes=$arg
					[[ $line == *'one of '* ]] && takes=${line##*one of } && takes=${takes%% (*} && takes=${takes// /|}
				fi
			done
			;;
		esac
	done < <("$1" -h 2>/dev/null)
	case $takes in
	'')
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$cur")
			return
		fi
		case $synopsis in
		*'[file]...' | *keyfile*) takes=FILE ;;
		*'[id]...')
			_imgtools_ids "$cur"
			return
			;;
		esac
		;;
	*'|'*) words=${takes//|/ } ;;
	esac
	case $takes in
	FILE)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	DIR)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		;;
	*) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur") ;;
	esac
}

# _imgtools_ids completes an id of the jobs that imgput keeps for its user. Where several
# are listed, each has its picture's name beside it; where bash would put what is listed
# into the line (menu-complete, insert-completions), it has not.
_imgtools_ids() {
	local id server seconds name
	local -a ids=() named=()
	while IFS=$'\t' read -r id server seconds name; do
		[[ $id == "$1"* ]] || continue
		ids+=("$id")
		named+=("$id${name:+  ($name)}")
	done 2>/dev/null <"${XDG_STATE_HOME:-$HOME/.local/state}/imgput/jobs"
	COMPREPLY=("${ids[@]}")
	[[ ${#ids[@]} -lt 2 || $COMP_TYPE == 37 || $COMP_TYPE == 42 ]] || COMPREPLY=("${named[@]}")
}

complete -F _imgtools gray scale grayd scaled heifd imgd imgput imgget imgls imgrm imginfo imgsign
