using System.Globalization;
using Vtpm.Timing;

// Vtpm.Timing [LENGTH [TEXT]]: LENGTH times as many measurements as usual, of the cases that have TEXT in their name.
double length = args.Length > 0 ? double.Parse(args[0], CultureInfo.InvariantCulture) : 1;
string only = args.Length > 1 ? args[1] : "";
bool isSound = true;
Console.WriteLine("| operation | what differs | measurements | median | largest t | |");
Console.WriteLine("|---|---|---:|---:|---:|---|");
foreach (TimingCase timing in Cases.All().Where(timing => timing.Name.Contains(only, StringComparison.OrdinalIgnoreCase)))
{
    TimingResult result = timing.Measure(length);
    isSound &= result.IsSound;
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"| {timing.Name} | {timing.Classes} | {result.Count:N0} | {result.Median:F2} µs | {result.T:F1} | {result.Verdict} |"));
}

if (!isSound) Console.Error.WriteLine("timing: a control was not found: this machine is too noisy for the other figures to mean anything");
return isSound ? 0 : 1;
