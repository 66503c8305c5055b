using System.CommandLine;
using System.Text.Json;
using Vtpm.Wire;

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

    public static Command Show(ManagementLink link)
    {
        const string description = """
            Shows a vTPM: its group, its rights, and what it was measured to be when it last came.

            The hashes are also those of a vTPM that was refused: they are what a list has to have for it to be admitted ('vtpm approve sign').
            """;
        var uuid = new Argument<Guid>("uuid") { Description = "The vTPM's uuid." };
        return ManageCommand.Verb("vtpm-show", description, link, [uuid], (result, manager) =>
        {
            Guid shown = result.GetRequiredValue(uuid);
            VtpmShowResponse vtpm = manager.ShowVtpm(shown);
            if (result.GetValue(Output.Json)) Output.WriteObject(json => Write(json, shown, vtpm));
            else Print(shown, vtpm);
        });
    }

    public static Command Edit(ManagementLink link)
    {
        const string description = """
            Changes what a vTPM may do.

            Examples:
              vtpm manage vtpm-edit 1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10 --admin true
                  From now on its guest may use 'vtpm manage --tpm /dev/tpm0', and Xen's manage-vtpmmgr.pl.
            """;
        var uuid = new Argument<Guid>("uuid") { Description = "The vTPM's uuid." };
        var admin = new Option<bool?>("--admin")
            { Description = "Whether it may give management commands: true or false.", HelpName = "BOOL", Required = true };
        return ManageCommand.Verb("vtpm-edit", description, link, [uuid, admin], (result, manager) =>
        {
            Guid edited = result.GetRequiredValue(uuid);
            bool isAdmin = result.GetValue(admin) ?? throw new UsageException("--admin: write true or false");
            manager.EditVtpm(edited, VtpmRights.Admin, isAdmin ? VtpmRights.Admin : VtpmRights.None);
            if (result.GetValue(Output.Json)) Output.WriteObject(json => json.WriteString("edited", edited));
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

    private static void Print(Guid uuid, in VtpmShowResponse vtpm)
    {
        bool isOpen = vtpm.State.HasFlag(VtpmStates.GroupOpen);
        Log.Line($"vTPM {uuid}: {(vtpm.State.HasFlag(VtpmStates.Connected) ? "running" : "not running")}{(vtpm.State.HasFlag(VtpmStates.HasKey) ? "" : ", and has kept nothing yet")}");
        Log.Line($" Group {vtpm.Group} ({vtpm.GroupUuid}): {(isOpen ? "open" : "closed")}");
        Log.Line($" Administrator: {(vtpm.Rights.HasFlag(VtpmRights.Admin) ? "yes" : "no")}");
        Log.Line($" Kernel hash: {OrNone(vtpm.KernelHash)}");
        Log.Line($" Label hash: {OrNone(vtpm.LabelHash)}");
        Log.Line($" Executable hash: {OrNone(vtpm.ExecutableHash)}");
    }

    private static void Write(Utf8JsonWriter json, Guid uuid, in VtpmShowResponse vtpm)
    {
        json.WriteString("uuid", uuid);
        json.WriteNumber("group", vtpm.Group);
        json.WriteString("groupUuid", vtpm.GroupUuid);
        json.WriteBoolean("groupOpen", vtpm.State.HasFlag(VtpmStates.GroupOpen));
        json.WriteBoolean("connected", vtpm.State.HasFlag(VtpmStates.Connected));
        json.WriteBoolean("hasKey", vtpm.State.HasFlag(VtpmStates.HasKey));
        json.WriteBoolean("admin", vtpm.Rights.HasFlag(VtpmRights.Admin));
        WriteHash(json, "kernelHash", vtpm.KernelHash);
        WriteHash(json, "labelHash", vtpm.LabelHash);
        WriteHash(json, "executableHash", vtpm.ExecutableHash);
    }

    private static void WriteHash(Utf8JsonWriter json, string name, TpmDigest hash)
    {
        if (hash == default) json.WriteNull(name);
        else json.WriteString(name, hash.ToString());
    }

    private static string OrNone(TpmDigest hash) =>
        hash == default ? "not known; it has not come since the manager was started, or was not measured so" : hash.ToString();
}
