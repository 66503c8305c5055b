using System.Security.Cryptography;
using System.Text.Json;
using Vtpm.Client;
using Vtpm.Wire;

namespace Vtpm.Cli;

/// <summary>A group, printed in the form of Xen's manage-vtpmmgr.pl.</summary>
internal sealed class GroupReport
{
    private readonly uint _index;
    private readonly bool _isOpen;
    private readonly Guid _uuid;
    private readonly ReadOnlyMemory<byte> _modulus;
    private readonly VtpmConfigList _config;
    private readonly uint _vtpmCount;
    private readonly IReadOnlyList<Guid> _vtpms;

    private GroupReport(uint index, in VtpmGroupInfoResponse info, IReadOnlyList<Guid> vtpms)
        : this(index, info.GroupUuid, info.SaaModulus, info.ToConfigList(), vtpms) =>
        (_isOpen, _vtpmCount) = (info.State.HasFlag(VtpmGroupStates.Open), info.Vtpms);

    private GroupReport(uint index, Guid uuid, ReadOnlyMemory<byte> modulus, VtpmConfigList config, IReadOnlyList<Guid> vtpms)
    {
        (_index, _isOpen, _uuid, _modulus, _config, _vtpms) = (index, true, uuid, modulus, config, vtpms);
        _vtpmCount = (uint)vtpms.Count;
    }

    /// <exception cref="VtpmManagerException">There is none; or it is closed, and the manager is Xen's, which says nothing of such a one.</exception>
    public static GroupReport Of(VtpmManagement manager, uint group)
    {
        if (manager.TryGroupInfo(group) is { } info)
            return new GroupReport(group, info, info.State.HasFlag(VtpmGroupStates.Open) ? manager.ListVtpms(group) : []);
        VtpmGroupShowResponse shown = manager.ShowGroup(group);
        return new GroupReport(group, shown.GroupUuid, shown.SaaModulus, shown.Config, manager.ListVtpms(group));
    }

    /// <summary>A closed group of a manager of Xen's must not keep the others from being listed.</summary>
    public static GroupReport? TryOf(VtpmManagement manager, uint group)
    {
        try
        {
            return Of(manager, group);
        }
        catch (VtpmManagerException exception) when (exception.Result == TpmResult.AuthFail)
        {
            return null;
        }
    }

    public static void PrintUnknown(uint group) => Log.Line($"Group {group} (closed): this manager says no more of it");

    public static void WriteUnknown(Utf8JsonWriter json, uint group)
    {
        json.WriteNumber("index", group);
        json.WriteBoolean("open", false);
    }

    public void Print()
    {
        Log.Line($"Group {_index} ({_uuid}):");
        if (!_isOpen) Log.Line(" Closed: the machine is not in a configuration that its authority has approved");
        Log.Line($" Public key hash: {Hash(_modulus.Span)}");
        Log.Line($" Boot config #{_config.Sequence} ({Hash(WireFormat.ToBytes(_config))})");
        PrintList("Platforms", _config.Platforms);
        PrintList("Kernels", _config.Kernels);
        if (_isOpen) PrintList("VTPMs", _vtpms);
        else Log.Line($" VTPMs: {_vtpmCount}, which are not known while the group is closed");
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteNumber("index", _index);
        json.WriteBoolean("open", _isOpen);
        json.WriteString("uuid", _uuid);
        json.WriteString("publicKeyHash", Hash(_modulus.Span));
        json.WriteNumber("sequence", _config.Sequence);
        json.WriteString("configHash", Hash(WireFormat.ToBytes(_config)));
        json.WriteList("platforms", _config.Platforms);
        json.WriteList("kernels", _config.Kernels);
        json.WriteNumber("vtpmCount", _vtpmCount);
        json.WriteList("vtpms", _vtpms);
    }

    private static void PrintList<T>(string name, IEnumerable<T> items)
    {
        Log.Line($" {name}:");
        foreach (T item in items) Log.Line($"  {item}");
    }

    private static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA1.HashData(bytes));
}
