using System.Security.Cryptography;
using System.Text.Json;
using Vtpm.Client;
using Vtpm.Manager;
using Vtpm.Wire;

namespace Vtpm.Cli;

/// <summary>All that a manager says of one group, for people and for programs.</summary>
internal static class GroupDetails
{
    private static readonly (VtpmGroupStates Flag, string Name, string Sentence)[] States =
    [
        (VtpmGroupStates.RollbackDetected, "rollbackDetected", "ROLLBACK: an older state of it may have been put into the image (group-accept takes it for the right one)"),
        (VtpmGroupStates.Registrable, "registrable", "its authority can be given its keys, for a recovery: group-register, while this manager runs"),
        (VtpmGroupStates.Recovering, "recovering", "a recovery has begun: group-recover with the authority's answer ends it"),
        (VtpmGroupStates.Recovered, "recovered", "RECOVERED, and closed again at the next start unless group-update approves this machine"),
    ];

    public static void Print(uint index, in VtpmGroupInfoResponse group)
    {
        VtpmGroupStates state = group.State;
        bool isOpen = state.HasFlag(VtpmGroupStates.Open);
        Log.Line($"Group {index} ({group.GroupUuid}): {(isOpen ? "open" : "closed, since the machine is not in a configuration that its authority has approved")}");
        foreach ((VtpmGroupStates flag, _, string sentence) in States)
            if (state.HasFlag(flag)) Log.Line($" {sentence}");
        Log.Line($" Authority: {(state.HasFlag(VtpmGroupStates.Authority) ? "public key hash " + Hash(group.SaaModulus) : "none yet; group-add names it")}");
        Log.Line($" Identity key: {(state.HasFlag(VtpmGroupStates.Identity) ? "modulus hash " + Hash(group.AikModulus) : "none; group-identity makes one")}");
        Log.Line($" Boot config #{group.ConfigurationSequence} ({Hash(WireFormat.ToBytes(group.ToConfigList()))})");
        Log.Line(" Platforms (PCR mask and composite hash, as 'vtpm approve sign' takes them):");
        foreach (VtpmPlatform platform in group.Platforms) Log.Line($"  {PlatformText.Of(platform)}");
        Log.Line(" Kernels:");
        foreach (TpmDigest kernel in group.Kernels) Log.Line($"  {kernel}{KernelText.Describe(kernel)}");
        Log.Line($" vTPMs: {group.Vtpms}");
        Log.Line($" Saves: {group.GroupSequence}");
    }

    public static void Write(uint index, in VtpmGroupInfoResponse group, Utf8JsonWriter json)
    {
        json.WriteNumber("index", index);
        json.WriteString("uuid", group.GroupUuid);
        json.WriteBoolean("open", group.State.HasFlag(VtpmGroupStates.Open));
        foreach ((VtpmGroupStates flag, string name, _) in States) json.WriteBoolean(name, group.State.HasFlag(flag));
        WriteKey(json, "publicKey", group.State.HasFlag(VtpmGroupStates.Authority), group.SaaModulus);
        WriteKey(json, "identityKey", group.State.HasFlag(VtpmGroupStates.Identity), group.AikModulus);
        json.WriteNumber("sequence", group.ConfigurationSequence);
        json.WriteString("configHash", Hash(WireFormat.ToBytes(group.ToConfigList())));
        json.WriteList("platforms", group.Platforms.Select(platform => PlatformText.Argument(platform)));
        json.WriteList("kernels", group.Kernels);
        json.WriteNumber("vtpmCount", group.Vtpms);
        json.WriteNumber("saves", group.GroupSequence);
    }

    private static void WriteKey(Utf8JsonWriter json, string name, bool isThere, ReadOnlyMemory<byte> modulus)
    {
        if (isThere) json.WriteString(name + "Modulus", Convert.ToHexStringLower(modulus.Span));
        else json.WriteNull(name + "Modulus");
    }

    private static string Hash(ReadOnlyMemory<byte> bytes) => Convert.ToHexStringLower(SHA1.HashData(bytes.Span));
}
