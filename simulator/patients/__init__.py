"""A clinic's worth of plainly synthetic people, and what they measured in the last ninety days.

Pure and seeded: the same seed and `now` give the same people, bytes and instants, in any process.
    people    who they are, what they measure and how well they keep at it
    history   ninety ordinary days, all of them within the limits that apply
    events    what went wrong in the last day, and the alerts that must follow from it
    records   a measurement as the bytes that its device would send
    plan      all of it, home by home
What must follow is written down beside each event. Nothing here knows the rules of `alerts`.
"""
