using System.Security.Cryptography;
using Xunit;

namespace Vtpm.Storage.Tests;

/// <summary>The list of children: its form on the disk, and that a change costs the way to it.</summary>
public sealed class HashTreeTests
{
    private const int Width = 16;

    private readonly Dictionary<uint, byte[]> _sectors = [];
    private readonly List<SectorReference> _children = [];
    private HashTree _tree = HashTree.Empty(Width);
    private uint _writes;
    private uint _places = 1_000_000;

    [Theory]
    [InlineData(16, 16, 1)]
    [InlineData(17, 16, 112)]
    [InlineData(16 * 112, 16, 112)]
    [InlineData((16 * 112) + 1, 16, 112 * 112)]
    [InlineData(112, 112, 1)]
    [InlineData(113, 112, 112)]
    public void Span_IsTheSmallestThatFits(int count, int width, int expected) => Assert.Equal(expected, HashTree.Span(count, width));

    [Theory]
    [InlineData(0)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(1792)]
    [InlineData(1793)]
    [InlineData(13_000)]
    public void Update_AnyCount_IsReadAsWritten(int count)
    {
        Resize(count);
        AssertReadsAsWritten();
        if (_sectors.Count == 0) return;
        _sectors[_writes - 1][500] ^= 1;
        Assert.False(HashTree.TryRead(location => _sectors[location], count, _tree.Locations, _tree.Hashes, [], out _));
    }

    [Theory]
    [InlineData(16, 0)]
    [InlineData(417, 1)]
    [InlineData(1792, 1)]
    [InlineData(1793, 2)]
    [InlineData(12_544 + 5, 1)]
    public void Update_LastChild_WritesTheWayToIt(int count, int writes)
    {
        Resize(count);
        uint before = _writes;
        Move(count - 1);
        Assert.Equal((uint)writes, _writes - before);
        AssertReadsAsWritten();
    }

    [Theory]
    [InlineData(40)]
    [InlineData(300)]
    [InlineData(2_000)]
    [InlineData(14_000)]
    public void Update_AnyHistory_IsReadAsWrittenAndReleasesWhatItLeaves(int most)
    {
        var random = new Random(most);
        for (int step = 0; step < 60; step++)
        {
            if (random.Next(3) == 0 && _children.Count > 0) Move([.. Enumerable.Range(0, 3).Select(_ => random.Next(_children.Count)).Distinct().Order()]);
            else Resize(random.Next(most));
            AssertReadsAsWritten();
        }
    }

    [Fact]
    public void Update_WhatUnusedSlotsHold_GoesAlong()
    {
        Resize(100);
        _sectors[0].AsSpan(112 * 4).Slice(110 * 32, 32).Fill(0xC3);
        SHA256.HashData(_sectors[0].AsSpan(112 * 4)).CopyTo(_tree.Hashes, 0);
        Assert.True(HashTree.TryRead(location => _sectors[location], 100, _tree.Locations, _tree.Hashes, [], out HashTree? read));
        byte[] hash = read.Hashes[..32];
        _tree = read;
        _children[7] = _children[7] with { Location = 5 };   // elsewhere, and the same
        Update(100, 7);
        Assert.Equal(hash, _tree.Hashes[..32]);
    }

    // By the rule in words: how many sectors there are beside the parent.
    private static int Sectors(int count, int width)
    {
        if (count <= width) return 0;
        int span = 112;
        while (count > span * width) span *= 112;
        return Enumerable.Range(0, (count + span - 1) / span).Sum(slot => 1 + Sectors(Math.Min(span, count - (slot * span)), 112));
    }

    private void Resize(int count)
    {
        if (count < _children.Count) _children.RemoveRange(count, _children.Count - count);
        while (_children.Count < count) _children.Add(NewPlace());
        Update(count);
    }

    private void Move(params int[] children)
    {
        foreach (int child in children) _children[child] = NewPlace();
        Update(_children.Count, children);
    }

    private SectorReference NewPlace() => new(_places, SHA256.HashData(BitConverter.GetBytes(_places++)));

    private void Update(int count, params int[] changed)
    {
        int counted = _tree.CountWrites(count, changed);
        uint before = _writes;
        HashTree old = _tree;
        (uint[] locations, byte[] hashes) = ([.. old.Locations], [.. old.Hashes]);
        _tree = old.Update(
            count,
            changed,
            index => _children[index],
            plain =>
            {
                _sectors.Add(_writes, plain.ToArray());
                return _writes++;
            },
            sector => Assert.True(_sectors.Remove(sector), "released what is not there"));
        Assert.Equal((uint)counted, _writes - before);
        Assert.Equal(locations, old.Locations);
        Assert.Equal(hashes, old.Hashes);
    }

    private void AssertReadsAsWritten()
    {
        Assert.Equal(Sectors(_children.Count, Width), _sectors.Count);
        var found = new List<SectorReference>();
        Assert.True(HashTree.TryRead(location => _sectors[location], _children.Count, _tree.Locations, _tree.Hashes, found, out HashTree? read));
        Assert.Equal(_children.Select(child => child.Location), found.Select(child => child.Location));
        Assert.Equal(_sectors.Keys.Order(), _tree.Sectors.Order());
        Assert.Equal(_sectors.Keys.Order(), read.Sectors.Order());
        for (int i = 0; i < _children.Count; i += 37) Assert.Equal(_children[i].Location, _tree.LocationOf(i));
    }
}
