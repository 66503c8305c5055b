using System.CommandLine;

namespace Vtpm.Cli;

/// <summary><c>vtpm manage vtpm-*</c>.</summary>
internal static class VtpmCommands
{
    public static Command Add(ManagementLink link)
    {
        const string description = """
            Adds a vTPM to a group, and prints its uuid.

            Examples:
              vtpm manage vtpm-add 0
                  The manager chooses the uuid.
              vtpm manage vtpm-add 0 1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10
                  That of a socket on which the manager listens already (vtpm manager --listen unix:PATH/UUID.sock).
            """;
        Argument<GroupReference?> group = GroupReference.Argument();
        var uuid = new Argument<Guid?>("uuid") { Description = "The vTPM's uuid.", Arity = ArgumentArity.ZeroOrOne };
        return ManageCommand.Verb("vtpm-add", description, link, [group, uuid], (result, manager) =>
        {
            uint index = result.GetValue(group)!.Value.Resolve(manager);
            Guid added = manager.NewVtpm(index, result.GetValue(uuid));
            if (!result.GetValue(Output.Json))
            {
                Log.Line($"{added}");
                return;
            }

            Output.WriteObject(json =>
            {
                json.WriteString("uuid", added);
                json.WriteNumber("group", index);
            });
        });
    }

    public static Command Delete(ManagementLink link)
    {
        var uuid = new Argument<Guid>("uuid") { Description = "The vTPM's uuid." };
        return ManageCommand.Verb("vtpm-del", "Deletes a vTPM: nothing opens its disk image any more.", link, [uuid], (result, manager) =>
        {
            Guid deleted = result.GetRequiredValue(uuid);
            manager.DeleteVtpm(deleted);
            if (result.GetValue(Output.Json)) Output.WriteObject(json => json.WriteString("deleted", deleted));
        });
    }
}
