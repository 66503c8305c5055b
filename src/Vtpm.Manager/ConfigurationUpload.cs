using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>A signed configuration that comes in parts, as far as it has come.</summary>
internal sealed class ConfigurationUpload
{
    /// <summary>More than any configuration has, in either form.</summary>
    public const int Longest = 256 * 1024;

    private readonly uint _group;
    private readonly byte[] _bytes;
    private int _received;

    private ConfigurationUpload(uint group, int total) => (_group, _bytes) = (group, new byte[total]);

    public ReadOnlySpan<byte> Received => _bytes.AsSpan(0, _received);

    public bool IsWhole => _received == _bytes.Length;

    /// <summary>Null when the whole would be too long.</summary>
    public static ConfigurationUpload? Begin(in VtpmGroupUpdatePartRequest first) =>
        first.Total is > 0 and <= Longest ? new ConfigurationUpload(first.Group, (int)first.Total) : null;

    /// <summary>False when the part does not go on where the last one ended.</summary>
    public bool TryAppend(in VtpmGroupUpdatePartRequest part)
    {
        if (part.Group != _group || part.Total != _bytes.Length || part.Offset != _received) return false;
        if (part.Part.IsEmpty || part.Part.Length > _bytes.Length - _received) return false;
        part.Part.CopyTo(_bytes.AsMemory(_received));
        _received += part.Part.Length;
        return true;
    }
}
