using System.CommandLine;
using System.Text.Json;
using Vtpm.Wire;

namespace Vtpm.Cli;

/// <summary><c>vtpm manage info</c>: the manager as a whole.</summary>
internal static class ManagerInfoCommand
{
    public static Command Create(ManagementLink link) =>
        ManageCommand.Verb("info", "Shows the manager as a whole: whether it keeps what it is given, and how much it can keep.", link, [], (result, manager) =>
        {
            VtpmManagerInfoResponse info = manager.ManagerInfo();
            if (result.GetValue(Output.Json)) Output.WriteObject(json => Write(json, info));
            else Print(info);
        });

    private static void Print(in VtpmManagerInfoResponse info)
    {
        string keeps = info.State.HasFlag(VtpmManagerStates.Persistent) ? "keeps what it is given" : "KEEPS NOTHING: group 0 has no approved configuration (group-update 0)";
        Log.Line($"Manager {info.ManagerUuid}: {keeps}");
        if (info.State.HasFlag(VtpmManagerStates.InDoubt))
            Log.Line(" IN DOUBT: a save has failed, and no vTPM gets its key until the disk works again");
        Log.Line($" Groups: {info.Groups}");
        Log.Line($" vTPMs: {info.Vtpms}");
        Log.Line($" Saves: {info.ImageSequence}");
        Log.Line($" Hardware counter: {info.CounterValue}");
        Log.Line($" Room for each group: {info.MaxPlatforms} platforms, {info.MaxKernels} kernels");
    }

    private static void Write(Utf8JsonWriter json, in VtpmManagerInfoResponse info)
    {
        json.WriteString("uuid", info.ManagerUuid);
        json.WriteBoolean("persistent", info.State.HasFlag(VtpmManagerStates.Persistent));
        json.WriteBoolean("inDoubt", info.State.HasFlag(VtpmManagerStates.InDoubt));
        json.WriteNumber("groups", info.Groups);
        json.WriteNumber("vtpms", info.Vtpms);
        json.WriteNumber("saves", info.ImageSequence);
        json.WriteNumber("hardwareCounter", info.CounterValue);
        json.WriteNumber("maxPlatforms", info.MaxPlatforms);
        json.WriteNumber("maxKernels", info.MaxKernels);
        json.WriteNumber("longestConfiguration", info.LongestConfiguration);
    }
}
