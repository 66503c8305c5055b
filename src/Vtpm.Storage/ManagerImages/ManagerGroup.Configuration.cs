using Vtpm.Wire;

namespace Vtpm.Storage;

/// <content>The boot configurations: the platforms that may open the group, and the kernels it admits.</content>
public sealed partial class ManagerGroup
{
    /// <summary>Platforms that a group may have. With more than 5 the image is of format version 1.</summary>
    public const int MaxPlatforms = 1000;

    /// <summary>Kernels that a group may have. With more than 16 the image is of format version 1.</summary>
    public const int MaxKernels = 10_000;

    private bool _isChainDirty;

    /// <summary>The platforms that may open the group. The sealed data are empty until the first save after they were set.</summary>
    public IReadOnlyList<SealEntry> Platforms => new ArraySegment<SealEntry>(_content.Seals, 0, (int)_content.SealsUsed);

    /// <summary>The kernel hashes that the group admits.</summary>
    public IReadOnlyList<TpmDigest> Kernels => new ArraySegment<TpmDigest>(_content.Kernels, 0, (int)_content.KernelsUsed);

    /// <summary>The sealed data of the platforms belong to the present keys.</summary>
    internal bool IsSealed { get; private set; }

    /// <summary>What of the configuration is not in the group's own sector, as the live root has it.</summary>
    internal ConfigurationChain Chain { get; private set; } = ConfigurationChain.None;

    internal bool NeedsChain => ConfigurationChain.IsNeeded(_content);

    internal bool NeedsChainWrite => NeedsChain && (_isChainDirty || Chain.Sectors.Count == 0);

    /// <summary>
    /// Sets the platforms that may open the group and the kernels it admits. The next save seals the keys to the platforms that are new, or to all of
    /// them when none is: what was sealed stays good, and a hardware TPM is slow. Those of group 0 open the whole image too.
    /// </summary>
    /// <exception cref="ArgumentException">More than <see cref="MaxPlatforms"/> or <see cref="MaxKernels"/>.</exception>
    public void SetConfiguration(ulong sequence, IReadOnlyCollection<PlatformConfiguration> platforms, IReadOnlyCollection<TpmDigest> kernels)
    {
        ArgumentNullException.ThrowIfNull(platforms);
        ArgumentNullException.ThrowIfNull(kernels);
        if (platforms.Count > MaxPlatforms) throw new ArgumentException($"a group has at most {MaxPlatforms} platforms", nameof(platforms));
        if (kernels.Count > MaxKernels) throw new ArgumentException($"a group has at most {MaxKernels} kernels", nameof(kernels));

        bool isSame = platforms.SequenceEqual(Platforms.Select(PlatformOf));
        var known = new Dictionary<PlatformConfiguration, SealEntry>();
        if (IsSealed && !isSame && !_lacksAikSecret)
            foreach (SealEntry entry in Platforms) known.TryAdd(PlatformOf(entry), entry);
        var seals = new SealEntry[Math.Max(GroupSector.SealCount, platforms.Count)];
        var hashes = new TpmDigest[Math.Max(GroupSector.KernelCount, kernels.Count)];
        platforms.Select(platform => known.TryGetValue(platform, out SealEntry sealedEntry) ? sealedEntry : Unsealed(platform)).ToArray().CopyTo(seals, 0);
        kernels.ToArray().CopyTo(hashes, 0);
        Change(_content with
        {
            ConfigurationSequence = sequence,
            SealsUsed = (uint)platforms.Count,
            Seals = seals,
            KernelsUsed = (uint)kernels.Count,
            Kernels = hashes,
        });
        InvalidateSeals();
        if (Index == 0) _image.ForgetRootSeals(keepKnown: !isSame);
        EndRecovery();
    }

    private static PlatformConfiguration PlatformOf(SealEntry entry) => new(entry.PcrMask, entry.DigestRelease);

    private static SealEntry Unsealed(PlatformConfiguration platform) =>
        new() { PcrMask = platform.PcrMask, DigestRelease = platform.DigestRelease, SealedData = [] };

    /// <summary>The keys have changed: nothing that was sealed holds them.</summary>
    private void ForgetSeals()
    {
        var seals = new SealEntry[_content.Seals.Length];
        Platforms.Select(entry => Unsealed(PlatformOf(entry))).ToArray().CopyTo(seals, 0);
        Change(_content with { Seals = seals });
        InvalidateSeals();
    }

    private void InvalidateSeals()
    {
        bool old = IsSealed;
        IsSealed = false;
        Changes.Record(() => IsSealed = old);
        MarkChainDirty();
        if (_lacksAikSecret) DropIdentity();
    }

    private void MarkChainDirty()
    {
        if (_isChainDirty) return;
        _isChainDirty = true;
        Changes.Record(() => _isChainDirty = false);
    }
}
