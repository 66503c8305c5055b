using System.CommandLine;

namespace Vtpm.Cli;

/// <summary>New keys for the manager's image, and for a group.</summary>
internal static class KeyRotationCommands
{
    public static Command Manager(ManagementLink link) => ManageCommand.Verb(
        "rotate", "Gives the manager's image a new key: everything in it is written again. A copy of the image from before still opens by the old one.", link, [],
        (result, manager) =>
        {
            manager.RotateManager();
            if (result.GetValue(Output.Json)) Output.WriteObject(json => json.WriteBoolean("rotated", true));
        });

    public static Command Group(ManagementLink link)
    {
        Argument<GroupReference?> group = GroupReference.Argument();
        const string description = """
            Gives a group new keys: everything in it is written and sealed again.

            What its authority holds for a recovery opens it no longer: register it again, while this manager runs (group-register).
            """;
        return ManageCommand.Verb("group-rotate", description, link, [group], (result, manager) =>
        {
            uint index = result.GetValue(group)!.Value.Resolve(manager);
            manager.RotateGroup(index);
            if (result.GetValue(Output.Json)) Output.WriteObject(json => json.WriteNumber("rotated", index));
        });
    }
}
