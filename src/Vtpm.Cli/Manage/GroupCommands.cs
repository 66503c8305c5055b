using System.CommandLine;
using System.Text.Json;
using Vtpm.Client;
using Vtpm.Manager;
using Vtpm.Wire;

namespace Vtpm.Cli;

/// <summary><c>vtpm manage list</c>, <c>show</c> and <c>group-*</c>, as far as they are about a group's being and its configuration.</summary>
internal static class GroupCommands
{
    public static Command List(ManagementLink link)
    {
        Argument<GroupReference?> group = GroupReference.Argument();
        group.Arity = ArgumentArity.ZeroOrOne;
        return ManageCommand.Verb("list", "Lists a group, or all of them, with configuration and vTPMs.", link, [group], (result, manager) =>
        {
            uint[] groups = result.GetValue(group) is { } one
                ? [one.Resolve(manager)]
                : [.. Enumerable.Range(0, (int)manager.CountGroups()).Select(index => (uint)index)];
            (uint Index, GroupReport? Report)[] reports = groups.Length == 1
                ? [(groups[0], GroupReport.Of(manager, groups[0]))]
                : [.. groups.Select(index => (index, GroupReport.TryOf(manager, index)))];
            if (result.GetValue(Output.Json)) Output.WriteObject(json => Write(json, reports));
            else Print(reports);
        });
    }

    public static Command Show(ManagementLink link)
    {
        const string description = """
            Shows all that the manager says of one group, open or closed; with --aik, writes the public half of its identity key, which verifiers of
            its deep quotes need.

            Examples:
              vtpm manage show 0 --aik aik.pub
                  For 'vtpm verify', of the chain that 'vtpm up' runs in ./vtpm-data.
            """;
        Argument<GroupReference?> group = GroupReference.Argument();
        var aik = new Option<string>("--aik") { Description = "Where the modulus of the identity key is written, 256 bytes.", HelpName = "FILE" };
        return ManageCommand.Verb("show", description, link, [group, aik], (result, manager) =>
        {
            uint index = result.GetValue(group)!.Value.Resolve(manager);
            VtpmGroupInfoResponse info = manager.GroupInfo(index);
            if (result.GetValue(aik) is { } path) WriteIdentityKey(path, index, info);
            if (result.GetValue(Output.Json)) Output.WriteObject(json => GroupDetails.Write(index, info, json));
            else GroupDetails.Print(index, info);
        });
    }

    public static Command Add(ManagementLink link)
    {
        const string description = """
            Makes a group under an authority, and prints its uuid. On a manager that has no authority yet, that is group 0.

            What the group's identity key (AIK) is known by goes into files, for verifiers and for a privacy CA: group-UUID/aik.pub is its modulus,
            group-UUID/aik.priv-ca-data the TPM's signature of the identity (TPM_IDENTITY_CONTENTS).

            Examples:
              vtpm manage group-add authority.modulus
                  With the file that 'vtpm approve key' has written; a public key in PEM form will do as well.
            """;
        var modulus = new Argument<string>("rsa-modulus-file")
            { Description = "The modulus of the authority's key, 256 bytes, or its public key (PEM).", HelpName = "FILE" };
        Option<byte[]> digest = CaDigest();
        var folder = new Option<string>("--out")
            { Description = "Where the folder group-UUID is made.", HelpName = "DIR", DefaultValueFactory = _ => "." };
        return ManageCommand.Verb("group-add", description, link, [modulus, digest, folder], (result, manager) =>
        {
            byte[] authority = AuthorityModulus.Parse(UserFile.Read(result.GetRequiredValue(modulus)));
            TpmDigest label = result.GetValue(digest) is { Length: > 0 } given ? new TpmDigest(given) : default;
            using var files = new GroupFolder(result.GetRequiredValue(folder));
            VtpmGroupNewResponse group = manager.NewGroup(authority, label);
            // First of all: what follows may fail, and the group is there.
            if (!result.GetValue(Output.Json)) Log.Line($"{group.GroupUuid}");
            string made = files.Keep(group);
            if (!result.GetValue(Output.Json)) return;
            Output.WriteObject(json =>
            {
                json.WriteString("uuid", group.GroupUuid);
                json.WriteString("folder", made);
                json.WriteString("aikModulus", Convert.ToHexStringLower(group.AikModulus.Span));
                json.WriteString("identityBinding", Convert.ToHexStringLower(group.IdentityBinding.Span));
            });
        });
    }

    public static Command Update(ManagementLink link)
    {
        const string description = """
            Gives a group the configuration that its authority has signed: on which machines it opens, and which vTPMs it admits.

            Examples:
              vtpm manage group-update 0 approved.1
                  With a file of 'vtpm approve sign', or of Xen's calc.pl.
            """;
        Argument<GroupReference?> group = GroupReference.Argument();
        var file = new Argument<string>("signed-config-list-file") { Description = "The authority's file.", HelpName = "FILE" };
        return ManageCommand.Verb("group-update", description, link, [group, file], (result, manager) =>
        {
            byte[] signed = UserFile.Read(result.GetRequiredValue(file));
            uint index = result.GetValue(group)!.Value.Resolve(manager);
            manager.UpdateGroup(index, signed);
            if (result.GetValue(Output.Json)) Output.WriteObject(json => json.WriteNumber("updated", index));
        });
    }

    public static Command Accept(ManagementLink link)
    {
        const string description = """
            Takes a group's state for the right one, and the mark from it that an older state may have been put into the manager's image.

            Judge before what came back with that state: vTPMs that were deleted, rights, kernels and platforms ('vtpm manage list', 'show').
            """;
        Argument<GroupReference?> group = GroupReference.Argument();
        return ManageCommand.Verb("group-accept", description, link, [group], (result, manager) =>
        {
            uint index = result.GetValue(group)!.Value.Resolve(manager);
            manager.AcceptGroup(index);
            if (result.GetValue(Output.Json)) Output.WriteObject(json => json.WriteNumber("accepted", index));
        });
    }

    public static Command Delete(ManagementLink link)
    {
        Argument<GroupReference?> group = GroupReference.Argument();
        const string description = "Deletes a group and its vTPMs: nothing opens their disk images any more.";
        return ManageCommand.Verb("group-del", description, link, [group], (result, manager) =>
        {
            uint index = result.GetValue(group)!.Value.Resolve(manager);
            manager.DeleteGroup(index);
            if (result.GetValue(Output.Json)) Output.WriteObject(json => json.WriteNumber("deleted", index));
        });
    }

    private static void WriteIdentityKey(string path, uint index, in VtpmGroupInfoResponse group)
    {
        if (!group.State.HasFlag(VtpmGroupStates.Identity))
            throw new CommandException($"group {index} has no identity key: 'vtpm manage group-identity' makes one, on a TPM 1.2");
        UserFile.Create(path, group.AikModulus.Span);
    }

    private static void Print((uint Index, GroupReport? Report)[] reports)
    {
        foreach ((uint index, GroupReport? report) in reports)
        {
            if (report is null) GroupReport.PrintUnknown(index);
            else report.Print();
        }
    }

    private static void Write(Utf8JsonWriter json, (uint Index, GroupReport? Report)[] reports)
    {
        json.WriteStartArray("groups");
        foreach ((uint index, GroupReport? report) in reports)
        {
            json.WriteStartObject();
            if (report is null) GroupReport.WriteUnknown(json, index);
            else report.Write(json);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    public static Option<byte[]> CaDigest() =>
        Options.Hex("--ca-digest", TpmDigest.Size, "The TPM_CHOSENID_HASH of the privacy CA that is to certify the identity: 40 hex digits.");
}
