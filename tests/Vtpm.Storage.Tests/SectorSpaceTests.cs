using Xunit;

namespace Vtpm.Storage.Tests;

/// <summary>Where a save may write, so that both roots stay whole while there is room, and the live one always.</summary>
public sealed class SectorSpaceTests
{
    [Fact]
    public void Take_GivesTheLowestFreeSectorFirst()
    {
        var used = new SectorMap(200);
        foreach (uint sector in (uint[])[4, 5, 7]) Assert.True(used.TryUse(sector));
        var space = new SectorSpace(used);
        Assert.Equal(200 - 4 - 3, space.Free);
        Assert.Equal([6u, 8u, 9u], [space.Take(), space.Take(), space.Take()]);
        for (uint sector = 10; sector < 200; sector++) Assert.Equal(sector, space.Take());
        Assert.Equal(0, space.Available);
        Assert.Throws<InvalidOperationException>(() => space.Take());
    }

    [Fact]
    public void Release_IsForTheSaveAfterTheNextOne_OrWhenThereIsNoOtherRoom()
    {
        var space = new SectorSpace(new SectorMap(4 + 3));
        uint first = space.Take();
        space.Commit();

        space.Release(first);
        uint second = space.Take();
        Assert.NotEqual(first, second);
        space.Commit();
        Assert.Equal((1, 2), (space.Free, space.Available));   // the other root has `first`

        space.Release(second);
        Assert.Equal(6u, space.Take());
        space.Commit();
        Assert.True(space.IsFree(first));
        Assert.False(space.IsFree(second));

        Assert.Equal(first, space.Take());
        Assert.Equal(second, space.Take());   // the last resort
    }

    [Fact]
    public void Rollback_GivesBackWhatWasTakenAndKeepsWhatWasReleased()
    {
        var space = new SectorSpace(new SectorMap(4 + 2));
        uint live = space.Take();
        space.Commit();
        space.Release(live);
        uint next = space.Take();
        space.Rollback();
        Assert.True(space.IsFree(next));
        Assert.Equal((1, 1), (space.Free, space.Available));

        space.Release(live);
        space.Take();
        space.Commit();
        Assert.Equal((0, 1), (space.Free, space.Available));
        Assert.Equal(live, space.Take());
        space.Rollback();
        Assert.Equal((0, 1), (space.Free, space.Available));
    }
}
