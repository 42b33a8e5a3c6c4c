# What became of the letters of "docker/lab failover":
#
#   awk -v show=table -f count.awk STEPS ARRIVALS LETTERS
#
# STEPS has a line for each step: its name, when it began, and when the machine was killed ("-" where none was). ARRIVALS is what grep found in the
# mailboxes, whose files are named for the moment of their arrival. LETTERS is what docker/console/letters says; a letter belongs to
# the step in which it was handed in, and with "until" only those handed in before that moment count.
#
# show=table: a line for each step and the verdict; the exit code is 1 when an accepted letter is not there, or one was refused for good
# show=step: the last step in a sentence
# show=settled: the exit code is 0 when every accepted letter has arrived
# show=flowing: the exit code is 0 when letters handed in since the last kill have arrived both ways
# show=taking: the exit code is 0 when "server" has accepted a letter that was handed in after "since", and it has arrived

FILENAME == ARGV[1] { name[++steps] = $1; begun[steps] = $2; killed[steps] = $3; next }

FILENAME == ARGV[2] {
  match($0, /\/new\/[0-9]+\./)
  seconds = substr($0, RSTART + 5, RLENGTH - 6)
  rest = substr($0, RSTART + RLENGTH)
  match(rest, /M[0-9]+/)
  moment = seconds + substr(rest, RSTART + 1, RLENGTH - 1) / 1000000
  match($0, /-[0-9]+@/)
  number = substr($0, RSTART + 1, RLENGTH - 2)
  if (!copies[number]++ || moment < arrived[number]) arrived[number] = moment
  next
}

until == "" || $3 < until {
  for (step = steps; step > 1 && $3 < begun[step]; step--);
  way = $2 ~ /^edge/ ? "in" : "out"
  handed[step]++
  if ($5 == "accepted") accepted[step]++
  else if ($5 ~ /^4/) refused[step]++
  else if ($5 ~ /^5/) rejected[step]++
  else unanswered[step]++
  if (copies[$1] > 1) doubled[step]++
  if (!copies[$1]) { if ($5 == "accepted") lost[step]++; next }
  delivered[step]++
  if ($5 == "accepted" && arrived[$1] - $3 > longest[step]) longest[step] = arrived[$1] - $3
  if (killed[step] != "-" && $3 >= killed[step]) {
    delay = arrived[$1] - killed[step]
    if (!((step, way) in flowing) || delay < flowing[step, way]) flowing[step, way] = delay
  }
  if ($2 == server && $3 > since && $5 == "accepted") taken++
}

function flows(step) { return ((step, "in") in flowing) && ((step, "out") in flowing) }
function flow(step) { return flowing[step, "in"] > flowing[step, "out"] ? flowing[step, "in"] : flowing[step, "out"] }

function row(title, step, again, way) {
  printf "%-14s %7d %8d %11d %8d %9d %7d %4d %7d %11s %11s\n", title, handed[step], accepted[step], refused[step], rejected[step],
    unanswered[step], delivered[step], lost[step], doubled[step], again, way
}

function add(step) {
  handed["all"] += handed[step]; accepted["all"] += accepted[step]; refused["all"] += refused[step]
  rejected["all"] += rejected[step]; unanswered["all"] += unanswered[step]; delivered["all"] += delivered[step]
  lost["all"] += lost[step]; doubled["all"] += doubled[step]
}

END {
  for (step = 1; step <= steps; step++) add(step)
  if (show == "settled") exit lost["all"] > 0
  if (show == "flowing") exit !flows(steps)
  if (show == "taking") exit !taken
  if (show == "step") {
    printf "Of %d letters %d were accepted, %d refused for now, %d refused for good, and %d got no answer; %d arrived, %d of them twice or more.\n",
      handed[steps], accepted[steps], refused[steps], rejected[steps], unanswered[steps], delivered[steps], doubled[steps]
    if (flows(steps)) printf "Mail flowed again after %.1f s. ", flow(steps)
    printf "The letter that was longest under way took %.1f s.\n", longest[steps]
    exit
  }
  printf "%-14s %7s %8s %11s %8s %9s %7s %4s %7s %11s %11s\n", "killed", "letters", "accepted", "refused 4xx", "with 5xx", "no answer",
    "arrived", "lost", "doubled", "flows again", "longest way"
  for (step = 1; step <= steps; step++)
    row(name[step], step, killed[step] == "-" ? "" : flows(step) ? sprintf("%.1f s", flow(step)) : "never", sprintf("%.1f s", longest[step]))
  row("together", "all", "", "")
  printf "\nVerdict: %d lost of %d that were accepted; %d doubled.\n", lost["all"], accepted["all"], doubled["all"]
  exit lost["all"] + rejected["all"] > 0
}
